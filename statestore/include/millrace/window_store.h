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
    const V* found = state::value_in<V>(cells_->find(bytes_of(key), to_ms(window_start)));
    return found ? std::optional<V>(*found) : std::nullopt;
  }

  std::optional<ValueAndTimestamp<V>> fetch_with_timestamp(const K& key,
                                                           Timestamp window_start) const {
    const state::Cell* cell = cells_->find(bytes_of(key), to_ms(window_start));
    const V* found = state::value_in<V>(cell);
    if (!found) return std::nullopt;
    return ValueAndTimestamp<V>{*found, cell->timestamp};
  }

  // Windows of one key, by ascending start.
  std::vector<KeyValue<Window, V>> fetch(const K& key, Timestamp from, Timestamp to) const {
    std::vector<KeyValue<Window, V>> entries;
    const Bytes bytes = bytes_of(key);
    for (const std::int64_t start : cells_->starts(to_ms(from), to_ms(to))) {
      const V* found = state::value_in<V>(cells_->find(bytes, start));
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
  Bytes bytes_of(const K& key) const {
    Bytes out;
    key_serde_.serialize(key, out);
    return out;
  }

  state::WindowCells* cells_;
  mutable AnySerde<K> key_serde_;
};

}  // namespace millrace
