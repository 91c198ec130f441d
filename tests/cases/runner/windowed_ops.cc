// Ops on streams and tables with windowed keys. Functions see the inner key.
#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

using WindowedText = Windowed<Text>;

auto inner(Predicate f) {
  return
      [f = std::move(f)](const WindowedText& key, const Text& value) { return f(key.key, value); };
}
auto inner(Mapper f) {
  return
      [f = std::move(f)](const WindowedText& key, const Text& value) { return f(key.key, value); };
}
auto without_key(Mapper f) {
  return [f = std::move(f)](const Text& value) { return f(Text(), value); };
}

void add_to(Building& building, const Op& op, const WindowedStream& in) {
  const std::string& topic = op.text("topic");
  in.stream.to(Topic<WindowedText, Text>(topic, {.key = time_windowed_serde<Text>(in.size)}));
  building.output(topic, in.size);
}

void add_to_stream(Building& building, const Op& op, const WindowedTable& in) {
  const auto stream = in.table.to_stream().map_values(
      [](const std::optional<Text>& value) { return value.value_or(Text()); });
  if (op.has_function("key")) {
    building.put(op.id, stream.select_key(windowed_mapper(op.function("key"))));
  } else {
    building.put(op.id, WindowedStream{stream, in.size});
  }
}

void add_stream_half(Registry& registry) {
  registry.add<WindowedStream>("filter", [](Building& b, const Op& op, const WindowedStream& in) {
    b.put(op.id, WindowedStream{in.stream.filter(inner(predicate(op.function("pred")))), in.size});
  });
  registry.add<WindowedStream>(
      "filter_not", [](Building& b, const Op& op, const WindowedStream& in) {
        b.put(op.id,
              WindowedStream{in.stream.filter_not(inner(predicate(op.function("pred")))), in.size});
      });
  registry.add<WindowedStream>("map_values", [](Building& b, const Op& op,
                                                const WindowedStream& in) {
    b.put(op.id, WindowedStream{in.stream.map_values(without_key(value_mapper(op.function("fn")))),
                                in.size});
  });
  registry.add<WindowedStream>(
      "map_values_with_key", [](Building& b, const Op& op, const WindowedStream& in) {
        b.put(op.id, WindowedStream{in.stream.map_values(inner(value_mapper(op.function("fn")))),
                                    in.size});
      });
  registry.add<WindowedStream>(
      "select_key", [](Building& b, const Op& op, const WindowedStream& in) {
        b.put(op.id, in.stream.select_key(windowed_mapper(op.function("fn"))));
      });
  registry.add<WindowedStream>("to", add_to);
}

void add_table_half(Registry& registry) {
  registry.add<WindowedTable>("filter", [](Building& b, const Op& op, const WindowedTable& in) {
    b.put(op.id, WindowedTable{in.table.filter(inner(predicate(op.function("pred")))), in.size});
  });
  registry.add<WindowedTable>("filter_not", [](Building& b, const Op& op, const WindowedTable& in) {
    b.put(op.id,
          WindowedTable{in.table.filter_not(inner(predicate(op.function("pred")))), in.size});
  });
  registry.add<WindowedTable>("map_values", [](Building& b, const Op& op, const WindowedTable& in) {
    b.put(op.id, WindowedTable{in.table.map_values(without_key(value_mapper(op.function("fn")))),
                               in.size});
  });
  registry.add<WindowedTable>(
      "map_values_with_key", [](Building& b, const Op& op, const WindowedTable& in) {
        b.put(op.id,
              WindowedTable{in.table.map_values(inner(value_mapper(op.function("fn")))), in.size});
      });
  registry.add<WindowedTable>("to_stream", add_to_stream);
  registry.add<WindowedTable>("group_by", [](Building& b, const Op& op, const WindowedTable& in) {
    b.has_internal_topics = true;
    b.put(op.id, in.table.group_by(
                     runtime(op.text("name")),
                     [k = key_mapper(op.function("key")), v = value_mapper(op.function("value"))](
                         const WindowedText& key, const Text& value) {
                       return TextPair{k(key.key, value), v(key.key, value)};
                     }));
  });
}

}  // namespace

std::function<Text(const Windowed<Text>& key, const Text& value)> windowed_mapper(
    const Function& function) {
  if (function.name() == "window_string" || function.name() == "inner_key") {
    return [f = windowed_key_mapper(function)](const WindowedText& key, const Text&) {
      return f(key);
    };
  }
  return inner(key_mapper(function));
}

void add_windowed_ops(Registry& registry) {
  add_stream_half(registry);
  add_table_half(registry);
}

}  // namespace millrace::cases
