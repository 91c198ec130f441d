// AggregateNode: count(), reduce() and aggregate() without windows: one aggregate per key in a
// key-value store. It is a table: answers look-ups and sends old values to who asks.
#pragma once

#include <string>
#include <utility>

#include "millrace/detail/key_value_cells.h"
#include "millrace/detail/node_context.h"
#include "millrace/dsl/detail/aggregate_entry.h"
#include "millrace/dsl/detail/table_node.h"
#include "millrace/dsl/detail/table_store.h"

namespace millrace::detail {

// Step: of aggregate_steps.h. Null keys and null values, where the types have them, are dropped and
// counted (SEMANTICS R-N).
template <class K, class V, class A, class Step>
class AggregateNode final : public TableNode<K, V, A> {
 public:
  AggregateNode(std::string store, AnySerde<K> key_serde, Step step)
      : store_(std::move(store)), keys_(std::move(key_serde)), step_(std::move(step)) {}
  graph::Node* clone() const override { return new AggregateNode(*this); }

  void init(graph::NodeContext& context) override {
    cells_ = static_cast<state::KeyValueCells*>(context.store(store_));
    if constexpr (Nullable<K>) {
      null_keys_ = context.drop_counter(*this, graph::DropReason::kNullKey);
    }
    if constexpr (Nullable<V>) {
      null_values_ = context.drop_counter(*this, graph::DropReason::kNullValue);
    }
  }

  bool send_old_values() override {
    entry_.want_old_values();
    return true;
  }

  void process(const K& key, const V& value, const RecordContext& context) override {
    if (is_null(key)) return null_keys_.count();
    if (is_null(value)) return null_values_.count();
    state::Cell& cell = cells_->at(keys_.write(key, context.key_bytes));
    Timestamp timestamp = context.timestamp;
    const Change<A> change = entry_.update(
        *cells_, cell, timestamp, [&](std::optional<A>& held) { step_(key, value, held); });
    this->forward(key, change, context.with_timestamp(timestamp));
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
  Step step_;
  AggregateEntry<A> entry_;
  state::KeyValueCells* cells_ = nullptr;
  graph::DropCounter null_keys_;
  graph::DropCounter null_values_;
};

}  // namespace millrace::detail
