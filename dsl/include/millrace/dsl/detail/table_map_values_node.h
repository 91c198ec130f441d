// TableMapValuesNode: each row's value through a function; deletions pass by it (SEMANTICS R-KT4).
// Computed on demand, or kept in a store of its own.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "millrace/dsl/detail/callable.h"
#include "millrace/dsl/detail/table_node.h"
#include "millrace/dsl/detail/table_store.h"

namespace millrace::detail {

// Passes every change on, also one that leaves the result as it was. A null result (an empty
// std::optional<R>, or an R that is null by its own type) deletes the row.
template <class K, class V, class R>
class TableMapValuesBase : public TableNode<K, Change<V>, R> {
 public:
  void init(graph::NodeContext& context) override;
  bool send_old_values() override;

 protected:
  // `store`: of a kept table, else empty.
  explicit TableMapValuesBase(TableStore<K, R> store);
  TableMapValuesBase(const TableMapValuesBase&);
  ~TableMapValuesBase() override;

  // Whether the old value must be mapped, too.
  bool needs(const std::optional<V>* before) const {
    return old_values_ && !store_.kept() && before != nullptr;
  }

  // Effect: stores and passes on now_ and, where it was mapped, before_.
  void pass_on(const K& key, bool before_mapped, const RecordContext& context);

  TableStore<K, R> store_;
  Lookup<K, V>* parent_ = nullptr;
  std::optional<R> now_;
  std::optional<R> before_;
  std::optional<V> parent_scratch_;

 private:
  bool old_values_ = false;
};

template <class K, class V, class R, class F>
class TableMapValuesNode final : public TableMapValuesBase<K, V, R> {
 public:
  TableMapValuesNode(F mapper, TableStore<K, R> store)
      : TableMapValuesBase<K, V, R>(std::move(store)), mapper_(std::move(mapper)) {}
  graph::Node* clone() const override { return new TableMapValuesNode(*this); }

  void process(const K& key, const Change<V>& change, const RecordContext& context) override {
    map(key, *change.now, this->now_);
    const bool needs_before = this->needs(change.before);
    if (needs_before) map(key, *change.before, this->before_);
    this->pass_on(key, needs_before, context);
  }

  typename Lookup<K, R>::Row find(const K& key, const KeyBytes& key_bytes,
                                  std::optional<R>& scratch) override {
    if (this->store_.kept()) return this->store_.find(key, key_bytes);
    const auto row = this->parent_->find(key, key_bytes, this->parent_scratch_);
    if (row.value == nullptr) return {};
    scratch = call(mapper_, key, *row.value);
    without_null(scratch);
    if (!scratch) return {};
    return {&*scratch, row.timestamp};
  }

 private:
  void map(const K& key, const std::optional<V>& value, std::optional<R>& result) {
    if (value) {
      result = call(mapper_, key, *value);
      without_null(result);
    } else {
      result.reset();
    }
  }

  F mapper_;
};

template <class K, class V, class R>
TableMapValuesBase<K, V, R>::TableMapValuesBase(TableStore<K, R> store)
    : store_(std::move(store)) {}
template <class K, class V, class R>
TableMapValuesBase<K, V, R>::TableMapValuesBase(const TableMapValuesBase&) = default;
template <class K, class V, class R>
TableMapValuesBase<K, V, R>::~TableMapValuesBase() = default;

template <class K, class V, class R>
void TableMapValuesBase<K, V, R>::init(graph::NodeContext& context) {
  store_.init(context);
  parent_ = &parent_table<K, V>(*this);
}

template <class K, class V, class R>
bool TableMapValuesBase<K, V, R>::send_old_values() {
  return old_values_ = store_.kept() || this->parents().front()->send_old_values();
}

template <class K, class V, class R>
void TableMapValuesBase<K, V, R>::pass_on(const K& key, bool before_mapped,
                                          const RecordContext& context) {
  if (store_.kept()) {
    this->forward(key, store_.put(key, context.key_bytes, now_, context.timestamp, old_values_),
                  context);
  } else {
    this->forward_change(key, &now_, before_mapped ? &before_ : nullptr, context);
  }
}

}  // namespace millrace::detail
