// ReadOnlyWindowStore<K,V>: a typed view of a window store.
//
//   for (const auto& [window, n] : driver.store(kPerMinute).fetch("/home", from, to)) ...
//
// Only windows that a read may show appear (SEMANTICS R-W5). Time bounds are those of window
// starts, both inclusive. A scan owns what it shows. Not thread-safe.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "millrace/detail/window_cells.h"
#include "millrace/key_value_store.h"
#include "millrace/windowed.h"

namespace millrace {

template <class K, class V>
class ReadOnlyWindowStore {
 public:
  ReadOnlyWindowStore(state::WindowCells& cells, AnySerde<K> key_serde)
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
    std::vector<KeyValue<Window, V>> entries;
    write_key(key);
    for (const std::int64_t start : cells_->starts(to_ms(from), to_ms(to))) {
      const V* found = state::value_in<V>(cells_->find(key_bytes_, start));
      if (found) entries.push_back({window_at(start), *found});
    }
    return entries;
  }

  // Windows of all keys, by start, then by key bytes.
  std::vector<KeyValue<Windowed<K>, V>> fetch_all(Timestamp from, Timestamp to) const {
    std::vector<KeyValue<Windowed<K>, V>> entries;
    cells_->scan(to_ms(from), to_ms(to), [&](std::int64_t start, const state::Cell& cell) {
      K key{};
      key_serde_.deserialize(cell.key(), key);
      entries.push_back({Windowed<K>{std::move(key), window_at(start)}, *cell.as<V>()});
      return true;
    });
    return entries;
  }
  std::vector<KeyValue<Windowed<K>, V>> all() const {
    return fetch_all(Timestamp{}, Timestamp::max());
  }

 private:
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

  state::WindowCells* cells_;
  mutable AnySerde<K> key_serde_;
  mutable Bytes key_bytes_;
};

}  // namespace millrace
