// TableStore: the store of a table as its node uses it. It finds cells by key bytes, keeps the old
// value at hand where somebody below asked for it, and says nothing where the table is not kept.
#pragma once

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/detail/graph_builder.h"
#include "millrace/detail/key_value_cells.h"
#include "millrace/detail/node_context.h"
#include "millrace/detail/value_type.h"
#include "millrace/dsl/detail/change.h"
#include "millrace/dsl/detail/table_node.h"
#include "millrace/record.h"
#include "millrace/serde.h"

namespace millrace::detail {

// Effect: a value that is null by its own type (API §4) becomes no value.
template <class V>
void drop_null(std::optional<V>& value) {
  if (value && is_null(*value)) value.reset();
}

// The serialized form of keys: those of the record at hand where they will do (ENGINE §11).
template <class K>
class KeyWriter {
 public:
  KeyWriter() = default;
  explicit KeyWriter(AnySerde<K> serde) : serde_(std::move(serde)) {}

  // Lifetime of the result: until the next call, and that of `known`.
  BytesView write(const K& key, const KeyBytes& known) {
    const void* mine = serde_.identity();
    if (mine != nullptr && mine == known.serde) return known.bytes;
    buffer_.clear();
    serde_.serialize(key, buffer_);
    return buffer_;
  }

  // The result of write() with what a child must know to use it.
  KeyBytes describe(BytesView bytes) const { return {bytes, serde_.identity()}; }

 private:
  AnySerde<K> serde_;
  Bytes buffer_;
};

// A value type, part of a node and cloned with it. init() before all else.
template <class K, class V>
class TableStore {
 public:
  TableStore() = default;  // of a table that is computed on demand
  TableStore(std::string_view name, AnySerde<K> key_serde)
      : name_(name), keys_(std::move(key_serde)) {}

  void init(graph::NodeContext& context) {
    if (name_.empty()) return;
    cells_ = static_cast<state::KeyValueCells*>(context.store(name_));
  }

  bool kept() const { return cells_ != nullptr; }

  // REQUIRES for all that follow: kept().

  typename Lookup<K, V>::Row find(const K& key, const KeyBytes& key_bytes) {
    const state::Cell* cell = cells_->find(keys_.write(key, key_bytes));
    const V* value = state::value_in<V>(cell);
    if (value == nullptr) return {};
    return {value, cell->timestamp};
  }

  // Effect: the row is `now` (a V, or a std::optional<V> whose empty state deletes) as of this
  // time, be it older than what is there (SEMANTICS R-KT2). Returns what to tell the children.
  // Lifetime of the result: until the next change of this store.
  template <class Now>
  Change<V> put(const K& key, const KeyBytes& key_bytes, Now&& now, Timestamp timestamp,
                bool old_values) {
    const BytesView bytes = keys_.write(key, key_bytes);
    const bool present = is_present(now);
    state::Cell* cell = present ? &cells_->at(bytes) : cells_->find(bytes);
    if (cell == nullptr) return {&nothing_, old_values ? &nothing_ : nullptr};
    std::optional<V>& held = cell->as<V>();
    const std::optional<V>* before = note(*cell);
    if (before == nullptr && old_values) {
      before_ = std::move(held);
      before = &before_;
    }
    if (present) {
      held = std::forward<Now>(now);
    } else {
      held.reset();
    }
    cell->timestamp = timestamp;
    return {&held, old_values ? before : nullptr};
  }

 private:
  // What the cell held when the transaction began, at the first change in it; later nullptr.
  const std::optional<V>* note(state::Cell& cell) {
    void* old = cells_->change(cell);
    return old == nullptr ? nullptr : std::launder(static_cast<std::optional<V>*>(old));
  }

  static bool is_present(const V& value) { return !is_null(value); }
  static bool is_present(const std::optional<V>& value) { return value && !is_null(*value); }

  std::string name_;
  KeyWriter<K> keys_;
  state::KeyValueCells* cells_ = nullptr;
  std::optional<V> before_;
  const std::optional<V> nothing_;
};

}  // namespace millrace::detail
