// TableAggregateNode: one aggregate per group of a grouped table. What leaves the group is taken
// out of the aggregate, then what enters is put in (SEMANTICS R-KT6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/detail/key_value_cells.h"
#include "millrace/detail/node_context.h"
#include "millrace/dsl/detail/aggregate_entry.h"
#include "millrace/dsl/detail/change_serde.h"
#include "millrace/dsl/detail/table_node.h"
#include "millrace/dsl/detail/table_store.h"

namespace millrace::detail {

// The other half of CountStep: a count falls to 0 and stays there, it is never deleted.
struct UncountStep {
  template <class K, class V>
  void operator()(const K&, const V&, std::optional<std::int64_t>& held) {
    *held -= 1;
  }
};

// Add, Subtract: steps as those of aggregate_steps.h. Nothing is taken out of an aggregate that is
// not there. Every message is answered, also where the aggregate stays as it was.
template <class K, class V, class A, class Add, class Subtract>
class TableAggregateNode final : public TableNode<K, GroupChange<V>, A> {
 public:
  TableAggregateNode(std::string_view store, AnySerde<K> key_serde, Add add, Subtract subtract)
      : store_(store),
        keys_(std::move(key_serde)),
        add_(std::move(add)),
        subtract_(std::move(subtract)) {}
  graph::Node* clone() const override { return new TableAggregateNode(*this); }

  void init(graph::NodeContext& context) override {
    cells_ = static_cast<state::KeyValueCells*>(context.store(store_));
  }

  bool send_old_values() override {
    entry_.want_old_values();
    return true;
  }

  void process(const K& key, const GroupChange<V>& change, const RecordContext& context) override {
    state::Cell& cell = cells_->at(keys_.write(key, context.key_bytes));
    Timestamp timestamp = context.timestamp;
    const Change<A> result = entry_.update(*cells_, cell, timestamp, [&](std::optional<A>& held) {
      if (change.before && held) subtract_(key, *change.before, held);
      if (change.now) add_(key, *change.now, held);
    });
    this->forward(key, result, context.with_timestamp(timestamp));
  }

  typename Lookup<K, A>::Row find(const K& key, const KeyBytes& key_bytes,
                                  std::optional<A>&) override {
    const state::Cell* cell = cells_->find(keys_.write(key, key_bytes));
    const A* value = state::value_in<A>(cell);
    if (value == nullptr) return {};
    return {value, cell->timestamp};
  }

 private:
  std::string store_;
  KeyWriter<K> keys_;
  Add add_;
  Subtract subtract_;
  AggregateEntry<A> entry_;
  state::KeyValueCells* cells_ = nullptr;
};

}  // namespace millrace::detail
