// Typed views of a key-value store: ReadOnlyKeyValueStore<K,V> as tests and queries see it,
// KeyValueStore<K,V> as a processor works with it.
//
//   auto store = driver.store(kWordCounts);
//   store.get("be");                                  // std::optional<std::int64_t>
//   for (const auto& [word, n] : store.all()) ...     // owns its entries
//
//   auto& last_seen = context().store(kLastSeen);     // in a processor's init()
//   last_seen.put(record.key, {record.value.country, now});
//
// Order is that of the serialized keys' unsigned bytes, as in Java. A scan shows the store as of
// its call and owns what it shows. Lifetime: the view does not outlive the task or driver that it
// came from. Not thread-safe.
#pragma once

#include <concepts>
#include <optional>
#include <utility>
#include <vector>

#include "millrace/detail/key_value_cells.h"
#include "millrace/error.h"
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
    return collect(bytes_of(from), BytesView(last), state::ScanOrder::kForward);
  }
  // The same backward, from `to` to `from`.
  std::vector<KeyValue<K, V>> reverse_range(const K& from, const K& to) const {
    Bytes last = bytes_of(to);
    last.push_back('\0');
    return collect(bytes_of(from), BytesView(last), state::ScanOrder::kBackward);
  }
  // Keys whose bytes begin with those of `prefix`, in byte order. For text as the key: that begin
  // with this text.
  template <class P = K>
  std::vector<KeyValue<K, V>> prefix_scan(const P& prefix,
                                          AnySerde<P> serde = default_serde<P>()) const {
    Bytes first;
    serde.serialize(prefix, first);
    const std::optional<Bytes> behind = state::least_above(first);
    return collect(first, behind ? OptionalBytesView(*behind) : std::nullopt,
                   state::ScanOrder::kForward);
  }
  std::vector<KeyValue<K, V>> all() const {
    return collect(std::nullopt, std::nullopt, state::ScanOrder::kForward);
  }
  std::vector<KeyValue<K, V>> reverse_all() const {
    return collect(std::nullopt, std::nullopt, state::ScanOrder::kBackward);
  }

  // An estimate: entries that were deleted and not committed count; of a store on disk, entries that
  // are not in memory do not.
  std::size_t approximate_num_entries() const { return cells_->size(); }

 protected:
  state::KeyValueCells& cells() { return *cells_; }
  // Lifetime: until the next call of anything here.
  BytesView key_bytes(const K& key) const {
    key_bytes_.clear();
    key_serde_.serialize(key, key_bytes_);
    return key_bytes_;
  }

 private:
  Bytes bytes_of(const K& key) const {
    Bytes out;
    key_serde_.serialize(key, out);
    return out;
  }
  const state::Cell* cell_of(const K& key) const { return cells_->find(key_bytes(key)); }

  std::vector<KeyValue<K, V>> collect(const std::optional<Bytes>& from, OptionalBytesView to,
                                      state::ScanOrder order) const {
    std::vector<KeyValue<K, V>> entries;
    cells_->scan(from ? OptionalBytesView(*from) : std::nullopt, to, order,
                 [&](const state::Cell& cell) {
                   K key{};
                   key_serde_.deserialize(cell.key(), key);
                   entries.push_back({std::move(key), *cell.as<V>()});
                   return true;
                 });
    return entries;
  }

  state::KeyValueCells* cells_;
  mutable AnySerde<K> key_serde_;
  mutable Bytes key_bytes_;
};

// What a write does is part of the transaction at hand: undone with it, in the changelog with its
// commit. An entry's timestamp is that of the record that is being processed, or of the punctuation.
template <class K, class V>
class KeyValueStore : public ReadOnlyKeyValueStore<K, V> {
 public:
  // Lifetime: `write_time` outlives the store; what it holds is read at each write.
  KeyValueStore(state::KeyValueCells& cells, AnySerde<K> key_serde, const Timestamp& write_time)
      : ReadOnlyKeyValueStore<K, V>(cells, std::move(key_serde)), write_time_(&write_time) {}

  // A value that is null (serde.h) deletes. Errors of all writes: SerdeError where the key is null,
  // and what a serde throws; the store is unchanged then.
  void put(const K& key, V value) {
    if (millrace::is_null(value)) {
      erase(key);
      return;
    }
    state::Cell& cell = this->cells().at(checked_key(key));
    this->cells().change(cell);
    cell.template as<V>() = std::move(value);
    cell.timestamp = *write_time_;
  }

  // One by one, in this order.
  void put_all(const std::vector<KeyValue<K, V>>& entries) {
    for (const auto& [key, value] : entries) put(key, value);
  }

  // Effect: puts the value unless there is one. Returns the one that was there.
  std::optional<V> put_if_absent(const K& key, V value) {
    std::optional<V> present = this->get(key);
    if (!present) put(key, std::move(value));
    return present;
  }

  // Effect: deletes the entry, if there is one. Returns what it held.
  std::optional<V> erase(const K& key) {
    state::Cell* cell = this->cells().find(checked_key(key));
    const V* held = state::value_in<V>(cell);
    if (held == nullptr) return std::nullopt;
    std::optional<V> before = *held;
    this->cells().change(*cell);
    cell->template as<V>().reset();
    cell->timestamp = *write_time_;
    return before;
  }

 private:
  BytesView checked_key(const K& key) {
    if (millrace::is_null(key)) {
      throw SerdeError("millrace: store " + this->cells().name() +
                       " was given a null key: an entry needs a key");
    }
    return this->key_bytes(key);
  }

  const Timestamp* write_time_;
};

}  // namespace millrace
