// Grouped tables and what is made of them.
#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

void add_group_by(Building& building, const Op& op, const Table& table) {
  building.has_internal_topics = true;
  building.put(op.id,
               table.group_by(runtime(op.text("name")), [k = key_mapper(op.function("key")),
                                                         v = value_mapper(op.function("value"))](
                                                            const Text& key, const Text& value) {
                 return TextPair{k(key, value), v(key, value)};
               }));
}

void add_count(Building& building, const Op& op, const GroupedTable& groups) {
  building.stores[op.text("store")] = StoreKind::kCounts;
  building.put(op.id, groups.count(runtime(op.text("store"))).map_values([](std::int64_t count) {
    return Text(std::to_string(count));
  }));
}

void add_reduce(Building& building, const Op& op, const GroupedTable& groups) {
  building.stores[op.text("store")] = StoreKind::kTexts;
  building.put(op.id, groups.reduce(runtime(op.text("store")), reducer(op.function("adder")),
                                    reducer(op.function("subtractor"))));
}

void add_aggregate(Building& building, const Op& op, const GroupedTable& groups) {
  building.stores[op.text("store")] = StoreKind::kTexts;
  building.put(op.id, groups.aggregate(runtime(op.text("store")), Text(op.text("init")),
                                       aggregator(op.function("adder")),
                                       aggregator(op.function("subtractor"))));
}

}  // namespace

void add_table_groups(Registry& registry) {
  registry.add<Table>("group_by", add_group_by);
  registry.add<GroupedTable>("count", add_count);
  registry.add<GroupedTable>("reduce", add_reduce);
  registry.add<GroupedTable>("aggregate", add_aggregate);
}

}  // namespace millrace::cases
