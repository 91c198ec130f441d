// Aggregates of grouped streams, without windows.
#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

void add_count(Building& building, const Op& op, const GroupedStream& groups) {
  building.stores[op.text("store")] = StoreKind::kCounts;
  building.put(op.id, groups.count(runtime(op.text("store"))).map_values([](std::int64_t count) {
    return Text(std::to_string(count));
  }));
}

void add_reduce(Building& building, const Op& op, const GroupedStream& groups) {
  building.stores[op.text("store")] = StoreKind::kTexts;
  building.put(op.id, groups.reduce(runtime(op.text("store")), reducer(op.function("reducer"))));
}

void add_aggregate(Building& building, const Op& op, const GroupedStream& groups) {
  building.stores[op.text("store")] = StoreKind::kTexts;
  building.put(op.id, groups.aggregate(runtime(op.text("store")), Text(op.text("init")),
                                       aggregator(op.function("agg"))));
}

}  // namespace

void add_aggregates(Registry& registry) {
  registry.add<GroupedStream>("count", add_count);
  registry.add<GroupedStream>("reduce", add_reduce);
  registry.add<GroupedStream>("aggregate", add_aggregate);
}

}  // namespace millrace::cases
