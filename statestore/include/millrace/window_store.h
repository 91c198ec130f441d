// Typed views of a window store: ReadOnlyWindowStore<K,V> as tests and queries see it,
// WindowStore<K,V> as a processor works with it.
//
//   for (const auto& [window, n] : driver.store(kPerMinute).fetch("/home", from, to)) ...
//
// Only windows that a read may show appear (SEMANTICS R-W5). Time bounds are those of window
// starts, both inclusive. A scan owns what it shows. Not thread-safe.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "millrace/detail/any_window_cells.h"
#include "millrace/key_value_store.h"
#include "millrace/windowed.h"

namespace millrace {

template <class K, class V>
class ReadOnlyWindowStore {
 public:
  ReadOnlyWindowStore(state::AnyWindowCells& cells, AnySerde<K> key_serde)
      : cells_(&cells), key_serde_(std::move(key_serde)) {}

  std::optional<V> fetch(const K& key, Timestamp window_start) const {
    const V* found = state::value_in<V>(cell_of(key, window_start));
    return found ? std::optional<V>(*found) : std::nullopt;
  }

  std::optional<ValueAndTimestamp<V>> fetch_with_timestamp(const K& key,
                                                           Timestamp window_start) const {
    const state::Cell* cell = cell_of(key, window_start);
    const V* found = state::value_in<V>(cell);
    if (!found) return std::nullopt;
    return ValueAndTimestamp<V>{*found, cell->timestamp};
  }

  // Windows of one key, by ascending start.
  std::vector<KeyValue<Window, V>> fetch(const K& key, Timestamp from, Timestamp to) const {
    return fetch(key, from, to, state::ScanOrder::kForward);
  }
  // The same by descending start.
  std::vector<KeyValue<Window, V>> backward_fetch(const K& key, Timestamp from,
                                                  Timestamp to) const {
    return fetch(key, from, to, state::ScanOrder::kBackward);
  }

  // Windows of the keys from `key_from` to `key_to`, both inclusive in byte order, by start, then by
  // key bytes. (A store that processors made: by stretches of time, then by key bytes, then by start.
  // So are fetch_all() and all().)
  std::vector<KeyValue<Windowed<K>, V>> fetch(const K& key_from, const K& key_to, Timestamp from,
                                              Timestamp to) const {
    return fetch(key_from, key_to, from, to, state::ScanOrder::kForward);
  }
  std::vector<KeyValue<Windowed<K>, V>> backward_fetch(const K& key_from, const K& key_to,
                                                       Timestamp from, Timestamp to) const {
    return fetch(key_from, key_to, from, to, state::ScanOrder::kBackward);
  }

  // Windows of all keys, by start, then by key bytes.
  std::vector<KeyValue<Windowed<K>, V>> fetch_all(Timestamp from, Timestamp to) const {
    return collect({.from_ms = to_ms(from), .to_ms = to_ms(to)}, state::ScanOrder::kForward);
  }
  std::vector<KeyValue<Windowed<K>, V>> backward_fetch_all(Timestamp from, Timestamp to) const {
    return collect({.from_ms = to_ms(from), .to_ms = to_ms(to)}, state::ScanOrder::kBackward);
  }
  std::vector<KeyValue<Windowed<K>, V>> all() const {
    return collect({}, state::ScanOrder::kForward);
  }
  std::vector<KeyValue<Windowed<K>, V>> backward_all() const {
    return collect({}, state::ScanOrder::kBackward);
  }

 private:
  std::vector<KeyValue<Window, V>> fetch(const K& key, Timestamp from, Timestamp to,
                                         state::ScanOrder order) const {
    std::vector<KeyValue<Window, V>> entries;
    cells_->fetch(key_bytes(key), to_ms(from), to_ms(to), order,
                  [&](BytesView, std::int64_t start, const state::Cell& cell) {
                    entries.push_back({window_at(start), *cell.as<V>()});
                    return true;
                  });
    return entries;
  }
  std::vector<KeyValue<Windowed<K>, V>> fetch(const K& key_from, const K& key_to, Timestamp from,
                                              Timestamp to, state::ScanOrder order) const {
    Bytes first;
    key_serde_.serialize(key_from, first);
    Bytes last;
    key_serde_.serialize(key_to, last);
    last.push_back('\0');  // the least bytes above the last key
    return collect({first, BytesView(last), to_ms(from), to_ms(to)}, order);
  }
  std::vector<KeyValue<Windowed<K>, V>> collect(const state::AnyWindowCells::Range& range,
                                                state::ScanOrder order) const {
    std::vector<KeyValue<Windowed<K>, V>> entries;
    cells_->scan(range, order, [&](BytesView bytes, std::int64_t start, const state::Cell& cell) {
      K key{};
      key_serde_.deserialize(bytes, key);
      entries.push_back({Windowed<K>{std::move(key), window_at(start)}, *cell.as<V>()});
      return true;
    });
    return entries;
  }
  Window window_at(std::int64_t start) const {
    return window_from(from_ms(start), cells_->window_size());
  }
  void write_key(const K& key) const {
    key_bytes_.clear();
    key_serde_.serialize(key, key_bytes_);
  }
  const state::Cell* cell_of(const K& key, Timestamp window_start) const {
    write_key(key);
    return cells_->find(key_bytes_, to_ms(window_start));
  }

 protected:
  state::AnyWindowCells& cells() { return *cells_; }
  // Lifetime: until the next call of anything here.
  BytesView key_bytes(const K& key) const {
    write_key(key);
    return key_bytes_;
  }

 private:
  state::AnyWindowCells* cells_;
  mutable AnySerde<K> key_serde_;
  mutable Bytes key_bytes_;
};

// What a write does is part of the transaction at hand: undone with it, in the changelog with its
// commit. An entry's timestamp is that of the record that is being processed, or of the punctuation.
template <class K, class V>
class WindowStore : public ReadOnlyWindowStore<K, V> {
 public:
  // Lifetime: `write_time` outlives the store; what it holds is read at each write.
  WindowStore(state::AnyWindowCells& cells, AnySerde<K> key_serde, const Timestamp& write_time)
      : ReadOnlyWindowStore<K, V>(cells, std::move(key_serde)), write_time_(&write_time) {}

  // A value that is null (serde.h) deletes. The greatest start ever put or erased is what retention
  // counts from (SEMANTICS R-W5). Returns false where the window is behind that, so that nothing was
  // stored. Errors of all writes: SerdeError where the key is null or the start negative, and what a
  // serde throws.
  bool put(const K& key, V value, Timestamp window_start) {
    if (millrace::is_null(value)) return erase(key, window_start);
    const std::int64_t start = to_ms(window_start);
    check(key, start);
    if (!this->cells().readable(start)) return false;
    state::Cell& cell = this->cells().put_at(this->key_bytes(key), start);
    this->cells().change(cell);
    cell.template as<V>() = std::move(value);
    cell.timestamp = *write_time_;
    return true;
  }

  // Effect: deletes the entry, if there is one. Returns false where the window is behind retention.
  bool erase(const K& key, Timestamp window_start) {
    const std::int64_t start = to_ms(window_start);
    check(key, start);
    if (!this->cells().readable(start)) return false;
    const BytesView bytes = this->key_bytes(key);
    this->cells().observe(start);
    state::Cell* cell = this->cells().find(bytes, start);
    if (state::value_in<V>(cell) == nullptr) return true;
    this->cells().change(*cell);
    cell->template as<V>().reset();
    cell->timestamp = *write_time_;
    return true;
  }

 private:
  void check(const K& key, std::int64_t start) {
    if (!millrace::is_null(key) && start >= 0) return;
    throw SerdeError("millrace: store " + this->cells().name() +
                     (start < 0 ? " was given a window that starts before 1970"
                                : " was given a null key: an entry needs a key"));
  }

  const Timestamp* write_time_;
};

}  // namespace millrace
