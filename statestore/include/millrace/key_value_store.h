// ReadOnlyKeyValueStore<K,V>: a typed view of a key-value store, as tests and queries see it.
//
//   auto store = driver.store(kWordCounts);
//   store.get("be");                                  // std::optional<std::int64_t>
//   for (const auto& [word, n] : store.all()) ...     // owns its entries
//
// Order is that of the serialized keys' unsigned bytes, as in Java. A scan shows the store as of
// its call and owns what it shows. Lifetime: the view does not outlive the task or driver that it
// came from. Not thread-safe.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "millrace/detail/key_value_cells.h"
#include "millrace/record.h"
#include "millrace/serde.h"

namespace millrace {

template <class V>
struct ValueAndTimestamp {
  V value;
  Timestamp timestamp;

  friend bool operator==(const ValueAndTimestamp&, const ValueAndTimestamp&) = default;
};

template <class K, class V>
class ReadOnlyKeyValueStore {
 public:
  ReadOnlyKeyValueStore(state::KeyValueCells& cells, AnySerde<K> key_serde)
      : cells_(&cells), key_serde_(std::move(key_serde)) {}

  std::optional<V> get(const K& key) const {
    const V* found = find(key);
    return found ? std::optional<V>(*found) : std::nullopt;
  }

  // Borrowed: valid until the next write to this store.
  const V* find(const K& key) const { return state::value_in<V>(cell_of(key)); }

  std::optional<ValueAndTimestamp<V>> get_with_timestamp(const K& key) const {
    const state::Cell* cell = cell_of(key);
    const V* found = state::value_in<V>(cell);
    if (!found) return std::nullopt;
    return ValueAndTimestamp<V>{*found, cell->timestamp};
  }

  // Keys from `from` to `to`, both inclusive, in byte order.
  std::vector<KeyValue<K, V>> range(const K& from, const K& to) const {
    Bytes last = bytes_of(to);
    last.push_back('\0');  // the least bytes above the last key
    return collect(bytes_of(from), BytesView(last));
  }
  std::vector<KeyValue<K, V>> reverse_range(const K& from, const K& to) const {
    return reversed(range(from, to));
  }
  std::vector<KeyValue<K, V>> all() const { return collect(std::nullopt, std::nullopt); }
  std::vector<KeyValue<K, V>> reverse_all() const { return reversed(all()); }

  std::size_t approximate_num_entries() const { return cells_->size(); }

 private:
  Bytes bytes_of(const K& key) const {
    Bytes out;
    key_serde_.serialize(key, out);
    return out;
  }
  const state::Cell* cell_of(const K& key) const {
    key_bytes_.clear();
    key_serde_.serialize(key, key_bytes_);
    return cells_->find(key_bytes_);
  }

  std::vector<KeyValue<K, V>> collect(const std::optional<Bytes>& from,
                                      OptionalBytesView to) const {
    std::vector<KeyValue<K, V>> entries;
    cells_->scan(from ? OptionalBytesView(*from) : std::nullopt, to, [&](const state::Cell& cell) {
      K key{};
      key_serde_.deserialize(cell.key(), key);
      entries.push_back({std::move(key), *cell.as<V>()});
      return true;
    });
    return entries;
  }
  static std::vector<KeyValue<K, V>> reversed(std::vector<KeyValue<K, V>> entries) {
    return {std::make_move_iterator(entries.rbegin()), std::make_move_iterator(entries.rend())};
  }

  state::KeyValueCells* cells_;
  mutable AnySerde<K> key_serde_;
  mutable Bytes key_bytes_;
};

}  // namespace millrace
