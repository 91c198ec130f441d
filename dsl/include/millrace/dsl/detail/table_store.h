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
//
// Its functions, and those of the nodes' bases, are defined outside their classes: so they are
// compiled once per types of a table and not into every operator.
template <class K, class V>
class TableStore {
 public:
  TableStore();  // of a table that is computed on demand
  TableStore(std::string_view name, AnySerde<K> key_serde);
  TableStore(const TableStore&);
  ~TableStore();

  void init(graph::NodeContext& context);
  bool kept() const { return cells_ != nullptr; }

  // REQUIRES for all that follow: kept().

  typename Lookup<K, V>::Row find(const K& key, const KeyBytes& key_bytes);

  // Effect: the row becomes `now` as of this time, be it older than what is there (SEMANTICS
  // R-KT2); a value that is empty, or null by its own type, deletes it. Returns what to tell the
  // children. Lifetime of the result: until the next change of this store.
  Change<V> put(const K& key, const KeyBytes& key_bytes, const std::optional<V>& now,
                Timestamp timestamp, bool old_values);
  Change<V> put(const K& key, const KeyBytes& key_bytes, const V& now, Timestamp timestamp,
                bool old_values);

 private:
  // Effect: makes the cell ready for a new value. Returns what it held.
  const std::optional<V>* open(state::Cell& cell, bool old_values);
  Change<V> put_value(BytesView key, const V& now, Timestamp timestamp, bool old_values);
  Change<V> erase(BytesView key, Timestamp timestamp, bool old_values);

  std::string name_;
  KeyWriter<K> keys_;
  state::KeyValueCells* cells_ = nullptr;
  std::optional<V> before_;
  const std::optional<V> nothing_;
};

template <class K, class V>
TableStore<K, V>::TableStore() = default;
template <class K, class V>
TableStore<K, V>::TableStore(std::string_view name, AnySerde<K> key_serde)
    : name_(name), keys_(std::move(key_serde)) {}
template <class K, class V>
TableStore<K, V>::TableStore(const TableStore&) = default;
template <class K, class V>
TableStore<K, V>::~TableStore() = default;

template <class K, class V>
void TableStore<K, V>::init(graph::NodeContext& context) {
  if (name_.empty()) return;
  cells_ = static_cast<state::KeyValueCells*>(context.store(name_));
}

template <class K, class V>
typename Lookup<K, V>::Row TableStore<K, V>::find(const K& key, const KeyBytes& key_bytes) {
  const state::Cell* cell = cells_->find(keys_.write(key, key_bytes));
  const V* value = state::value_in<V>(cell);
  if (value == nullptr) return {};
  return {value, cell->timestamp};
}

template <class K, class V>
Change<V> TableStore<K, V>::put(const K& key, const KeyBytes& key_bytes,
                                const std::optional<V>& now, Timestamp timestamp, bool old_values) {
  const BytesView bytes = keys_.write(key, key_bytes);
  if (!now || is_null(*now)) return erase(bytes, timestamp, old_values);
  return put_value(bytes, *now, timestamp, old_values);
}

template <class K, class V>
Change<V> TableStore<K, V>::put(const K& key, const KeyBytes& key_bytes, const V& now,
                                Timestamp timestamp, bool old_values) {
  const BytesView bytes = keys_.write(key, key_bytes);
  if (is_null(now)) return erase(bytes, timestamp, old_values);
  return put_value(bytes, now, timestamp, old_values);
}

template <class K, class V>
Change<V> TableStore<K, V>::put_value(BytesView key, const V& now, Timestamp timestamp,
                                      bool old_values) {
  state::Cell& cell = cells_->at(key);
  const std::optional<V>* before = open(cell, old_values);
  cell.as<V>() = now;
  cell.timestamp = timestamp;
  return {&cell.as<V>(), before};
}

template <class K, class V>
Change<V> TableStore<K, V>::erase(BytesView key, Timestamp timestamp, bool old_values) {
  state::Cell* cell = cells_->find(key);
  if (cell == nullptr) return {&nothing_, old_values ? &nothing_ : nullptr};
  const std::optional<V>* before = open(*cell, old_values);
  cell->as<V>().reset();
  cell->timestamp = timestamp;
  return {&cell->as<V>(), before};
}

template <class K, class V>
const std::optional<V>* TableStore<K, V>::open(state::Cell& cell, bool old_values) {
  // At the first change in a transaction the old value is moved to where an abort finds it.
  void* noted = cells_->change(cell);
  if (!old_values) return nullptr;
  if (noted != nullptr) return std::launder(static_cast<std::optional<V>*>(noted));
  before_ = std::move(cell.as<V>());
  return &before_;
}

}  // namespace millrace::detail
