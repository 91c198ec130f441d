// TableFilterNode: the rows of a table that a predicate takes; a row that it stops taking is
// deleted (SEMANTICS R-KT3). Computed on demand, or kept in a store of its own.
#pragma once

#include <optional>
#include <utility>

#include "millrace/dsl/detail/callable.h"
#include "millrace/dsl/detail/table_node.h"
#include "millrace/dsl/detail/table_store.h"

namespace millrace::detail {

// Deletions of rows that were not there before are left out where that is known without cost: where
// the table above keeps its rows, or somebody below asked for old values. Otherwise each rejected
// record becomes a deletion, as in Kafka Streams.
template <class K, class V, class F>
class TableFilterNode final : public TableNode<K, Change<V>, V> {
 public:
  // `wanted`: the predicate's answer that keeps a row. `store`: of a kept table, else empty.
  TableFilterNode(F predicate, bool wanted, TableStore<K, V> store)
      : predicate_(std::move(predicate)), wanted_(wanted), store_(std::move(store)) {}
  graph::Node* clone() const override { return new TableFilterNode(*this); }

  void init(graph::NodeContext& context) override {
    store_.init(context);
    parent_ = &parent_table<K, V>(*this);
    old_values_ = this->parents().front()->send_old_values();
  }

  bool send_old_values() override { return old_values_ = old_values_ || store_.kept(); }

  void process(const K& key, const Change<V>& change, const RecordContext& context) override {
    Change<V> mine{passed(key, change.now)};
    if (store_.kept()) {
      mine = store_.put(key, context.key_bytes, *mine.now, context.timestamp, old_values_);
    } else if (old_values_ && change.before != nullptr) {
      mine.before = passed(key, change.before);
    }
    const bool never_there = mine.before != nullptr && !*mine.before && !*mine.now;
    if (!never_there) this->forward(key, mine, context);
  }

  typename Lookup<K, V>::Row find(const K& key, const KeyBytes& key_bytes,
                                  std::optional<V>& scratch) override {
    if (store_.kept()) return store_.find(key, key_bytes);
    const auto row = parent_->find(key, key_bytes, scratch);
    if (row.value == nullptr || !passes(key, *row.value)) return {};
    return row;
  }

 private:
  bool passes(const K& key, const V& value) {
    return static_cast<bool>(call(predicate_, key, value)) == wanted_;
  }
  const std::optional<V>* passed(const K& key, const std::optional<V>* value) {
    return *value && passes(key, **value) ? value : &nothing_;
  }

  F predicate_;
  bool wanted_;
  TableStore<K, V> store_;
  Lookup<K, V>* parent_ = nullptr;
  bool old_values_ = false;
  const std::optional<V> nothing_;
};

}  // namespace millrace::detail
