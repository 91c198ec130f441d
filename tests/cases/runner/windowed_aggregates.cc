// Windows over grouped streams, and aggregates in them.
#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

TimeWindows to_windows(const WindowsSpec& spec) {
  if (spec.type != "tumbling" && spec.type != "hopping") throw UnknownWord("windows " + spec.type);
  const Duration size(spec.time("size_ms"));
  return {.size = size,
          .advance = spec.type == "hopping" ? Duration(spec.time("advance_ms")) : size,
          .grace = Duration(spec.time("grace_ms"))};
}

void add_windows(Building& building, const Op& op, const GroupedStream& groups) {
  const auto emit = op.optional_text("emit");
  if (emit && *emit != "on_window_update") throw UnknownWord("emit " + *emit);
  const TimeWindows windows = to_windows(op.windows("windows"));
  building.put(op.id, WindowedGroups{groups.windowed_by(windows), windows.size});
}

template <class A>
MaterializedWindows<Text, A> options_of(const Op& op) {
  MaterializedWindows<Text, A> options;
  if (const auto retention = op.optional_number("retention_ms")) {
    options.retention = Duration(*retention);
  }
  return options;
}

void add_count(Building& building, const Op& op, const WindowedGroups& in) {
  building.stores[op.text("store")] = StoreKind::kWindowedCounts;
  const auto counts =
      in.groups.count(runtime(op.text("store")), options_of<std::int64_t>(op))
          .map_values([](std::int64_t count) { return Text(std::to_string(count)); });
  building.put(op.id, WindowedTable{counts, in.size});
}

void add_reduce(Building& building, const Op& op, const WindowedGroups& in) {
  building.stores[op.text("store")] = StoreKind::kWindowedTexts;
  building.put(
      op.id, WindowedTable{in.groups.reduce(runtime(op.text("store")),
                                            reducer(op.function("reducer")), options_of<Text>(op)),
                           in.size});
}

void add_aggregate(Building& building, const Op& op, const WindowedGroups& in) {
  building.stores[op.text("store")] = StoreKind::kWindowedTexts;
  building.put(op.id, WindowedTable{
                          in.groups.aggregate(runtime(op.text("store")), Text(op.text("init")),
                                              aggregator(op.function("agg")), options_of<Text>(op)),
                          in.size});
}

}  // namespace

void add_windowed_aggregates(Registry& registry) {
  registry.add<GroupedStream>("windowed_by", add_windows);
  registry.add<WindowedGroups>("count", add_count);
  registry.add<WindowedGroups>("reduce", add_reduce);
  registry.add<WindowedGroups>("aggregate", add_aggregate);
}

}  // namespace millrace::cases
