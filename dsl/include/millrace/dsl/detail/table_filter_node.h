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
template <class K, class V>
class TableFilterBase : public TableNode<K, Change<V>, V> {
 public:
  void init(graph::NodeContext& context) override;
  bool send_old_values() override;

 protected:
  // `store`: of a kept table, else empty.
  explicit TableFilterBase(TableStore<K, V> store);
  TableFilterBase(const TableFilterBase&);
  ~TableFilterBase() override;

  bool kept() const { return store_.kept(); }
  // Whether the filter must be asked for the old value, too.
  bool needs(const std::optional<V>* before) const {
    return old_values_ && !store_.kept() && before != nullptr;
  }
  const std::optional<V>* nothing() const { return &nothing_; }

  // Effect: stores and passes on what the filter left of a change.
  void pass_on(const K& key, Change<V> filtered, const RecordContext& context);

  TableStore<K, V> store_;
  Lookup<K, V>* parent_ = nullptr;

 private:
  bool old_values_ = false;
  const std::optional<V> nothing_;
};

template <class K, class V, class F>
class TableFilterNode final : public TableFilterBase<K, V> {
 public:
  // `wanted`: the predicate's answer that keeps a row.
  TableFilterNode(F predicate, bool wanted, TableStore<K, V> store)
      : TableFilterBase<K, V>(std::move(store)),
        predicate_(std::move(predicate)),
        wanted_(wanted) {}
  graph::Node* clone() const override { return new TableFilterNode(*this); }

  void process(const K& key, const Change<V>& change, const RecordContext& context) override {
    Change<V> mine{passed(key, change.now)};
    if (this->needs(change.before)) mine.before = passed(key, change.before);
    this->pass_on(key, mine, context);
  }

  typename Lookup<K, V>::Row find(const K& key, const KeyBytes& key_bytes,
                                  std::optional<V>& scratch) override {
    if (this->kept()) return this->store_.find(key, key_bytes);
    const auto row = this->parent_->find(key, key_bytes, scratch);
    if (row.value == nullptr || !passes(key, *row.value)) return {};
    return row;
  }

 private:
  bool passes(const K& key, const V& value) {
    return static_cast<bool>(call(predicate_, key, value)) == wanted_;
  }
  const std::optional<V>* passed(const K& key, const std::optional<V>* value) {
    return *value && passes(key, **value) ? value : this->nothing();
  }

  F predicate_;
  bool wanted_;
};

template <class K, class V>
TableFilterBase<K, V>::TableFilterBase(TableStore<K, V> store) : store_(std::move(store)) {}
template <class K, class V>
TableFilterBase<K, V>::TableFilterBase(const TableFilterBase&) = default;
template <class K, class V>
TableFilterBase<K, V>::~TableFilterBase() = default;

template <class K, class V>
void TableFilterBase<K, V>::init(graph::NodeContext& context) {
  store_.init(context);
  parent_ = &parent_table<K, V>(*this);
  old_values_ = this->parents().front()->send_old_values();
}

template <class K, class V>
bool TableFilterBase<K, V>::send_old_values() {
  return old_values_ = old_values_ || store_.kept();
}

template <class K, class V>
void TableFilterBase<K, V>::pass_on(const K& key, Change<V> filtered,
                                    const RecordContext& context) {
  if (store_.kept()) {
    filtered = store_.put(key, context.key_bytes, *filtered.now, context.timestamp, old_values_);
  }
  const bool never_there = filtered.before != nullptr && !*filtered.before && !*filtered.now;
  if (!never_there) this->forward(key, filtered, context);
}

}  // namespace millrace::detail
