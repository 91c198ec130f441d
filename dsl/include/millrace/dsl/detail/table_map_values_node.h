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
template <class K, class V, class R, class F>
class TableMapValuesNode final : public TableNode<K, Change<V>, R> {
 public:
  // `store`: of a kept table, else empty.
  TableMapValuesNode(F mapper, TableStore<K, R> store)
      : mapper_(std::move(mapper)), store_(std::move(store)) {}
  graph::Node* clone() const override { return new TableMapValuesNode(*this); }

  void init(graph::NodeContext& context) override {
    store_.init(context);
    parent_ = &parent_table<K, V>(*this);
  }

  bool send_old_values() override {
    return old_values_ = store_.kept() || this->parents().front()->send_old_values();
  }

  void process(const K& key, const Change<V>& change, const RecordContext& context) override {
    map(key, *change.now, now_);
    if (store_.kept()) {
      const Change<R> kept =
          store_.put(key, context.key_bytes, std::move(now_), context.timestamp, old_values_);
      return this->forward(key, kept, context);
    }
    const bool known = old_values_ && change.before != nullptr;
    if (known) map(key, *change.before, before_);
    this->forward_change(key, &now_, known ? &before_ : nullptr, context);
  }

  typename Lookup<K, R>::Row find(const K& key, const KeyBytes& key_bytes,
                                  std::optional<R>& scratch) override {
    if (store_.kept()) return store_.find(key, key_bytes);
    const auto row = parent_->find(key, key_bytes, parent_scratch_);
    if (row.value == nullptr) return {};
    scratch = call(mapper_, key, *row.value);
    drop_null(scratch);
    if (!scratch) return {};
    return {&*scratch, row.timestamp};
  }

 private:
  void map(const K& key, const std::optional<V>& value, std::optional<R>& result) {
    if (value) {
      result = call(mapper_, key, *value);
      drop_null(result);
    } else {
      result.reset();
    }
  }

  F mapper_;
  TableStore<K, R> store_;
  Lookup<K, V>* parent_ = nullptr;
  bool old_values_ = false;
  std::optional<R> now_;
  std::optional<R> before_;
  std::optional<V> parent_scratch_;
};

}  // namespace millrace::detail
