// Ops on tables.
#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

void add_table(Building& building, const Op& op) {
  const Topic<Text, Text> topic(op.text("topic"));
  if (const auto store = op.optional_text("store")) {
    building.stores[*store] = StoreKind::kTexts;
    building.put(op.id, building.builder.table(topic, runtime(*store)));
  } else {
    building.put(op.id, building.builder.table(topic));
  }
}

// Effect: puts what make() gives, or make(store name), where the case names a store.
template <class Make>
void put_table(Building& building, const Op& op, Make make) {
  if (const auto store = op.optional_text("store")) {
    building.stores[*store] = StoreKind::kTexts;
    building.put(op.id, make(KeyValueStoreName<Text, Text>(runtime(*store))));
  } else {
    building.put(op.id, make());
  }
}

void add_to_stream(Building& building, const Op& op, const Table& table) {
  const Stream stream = table.to_stream().map_values(
      [](const std::optional<Text>& value) { return value.value_or(Text()); });
  if (op.has_function("key")) {
    building.put(op.id, stream.select_key(key_mapper(op.function("key"))));
  } else {
    building.put(op.id, stream);
  }
}

}  // namespace

void add_table_ops(Registry& registry) {
  registry.add_source("table", add_table);
  registry.add<Table>("filter", [](Building& b, const Op& op, const Table& table) {
    put_table(b, op, [&, f = predicate(op.function("pred"))](auto... store) {
      return table.filter(store..., f);
    });
  });
  registry.add<Table>("filter_not", [](Building& b, const Op& op, const Table& table) {
    put_table(b, op, [&, f = predicate(op.function("pred"))](auto... store) {
      return table.filter_not(store..., f);
    });
  });
  registry.add<Table>("map_values", [](Building& b, const Op& op, const Table& table) {
    put_table(b, op, [&, f = value_mapper(op.function("fn"))](auto... store) {
      return table.map_values(store..., [f](const Text& value) { return f(Text(), value); });
    });
  });
  registry.add<Table>("map_values_with_key", [](Building& b, const Op& op, const Table& table) {
    put_table(b, op, [&, f = value_mapper(op.function("fn"))](auto... store) {
      return table.map_values(store..., f);
    });
  });
  registry.add<Table>("to_stream", add_to_stream);
}

}  // namespace millrace::cases
