// Typed views of a session store: ReadOnlySessionStore<K,V> as tests and queries see it,
// SessionStore<K,V> as a processor works with it.
//
//   for (const auto& [session, n] : driver.store(kVisits).fetch("ann"))
//     session.window.start, session.window.end;    // of its first and last record, both inclusive
//
// Only sessions that a read may show appear: their end is less than the retention behind the greatest
// end ever put, whatever the key (SEMANTICS R-W5). Sessions of one key come by ascending end, then
// start; those of several keys by stretches of time, then by key bytes, then so; backward_ forms the
// other way round. Bounds are inclusive. A scan owns what it shows. Not thread-safe.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "millrace/detail/series_cells.h"
#include "millrace/record.h"
#include "millrace/serde.h"
#include "millrace/windowed.h"

namespace millrace {

template <class K, class V>
class ReadOnlySessionStore {
 public:
  using Sessions = std::vector<KeyValue<SessionWindowed<K>, V>>;

  // Lifetime: the view does not outlive the task or driver that it came from.
  ReadOnlySessionStore(state::SeriesCells& cells, AnySerde<K> key_serde)
      : cells_(&cells), key_serde_(std::move(key_serde)) {}

  // The session of exactly this start and end.
  std::optional<V> fetch_session(const K& key, Timestamp start, Timestamp end) const {
    const V* found = state::value_in<V>(cells_->find(key_bytes(key), to_ms(end), to_ms(start)));
    return found ? std::optional<V>(*found) : std::nullopt;
  }

  // All sessions of a key; of the keys from `key_from` to `key_to` in byte order.
  Sessions fetch(const K& key) const { return of_key(key, kAll, kForward); }
  Sessions backward_fetch(const K& key) const { return of_key(key, kAll, kBackward); }
  Sessions fetch(const K& key_from, const K& key_to) const {
    return of_keys(key_from, key_to, kAll, kForward);
  }
  Sessions backward_fetch(const K& key_from, const K& key_to) const {
    return of_keys(key_from, key_to, kAll, kBackward);
  }

  // Those that end at `earliest_end` or later and start at `latest_start` or earlier: what touches
  // that time, where the first lies before the second.
  Sessions find_sessions(const K& key, Timestamp earliest_end, Timestamp latest_start) const {
    return of_key(key, {to_ms(earliest_end), INT64_MAX, to_ms(latest_start)}, kForward);
  }
  Sessions backward_find_sessions(const K& key, Timestamp earliest_end,
                                  Timestamp latest_start) const {
    return of_key(key, {to_ms(earliest_end), INT64_MAX, to_ms(latest_start)}, kBackward);
  }
  Sessions find_sessions(const K& key_from, const K& key_to, Timestamp earliest_end,
                         Timestamp latest_start) const {
    return of_keys(key_from, key_to, {to_ms(earliest_end), INT64_MAX, to_ms(latest_start)},
                   kForward);
  }
  Sessions backward_find_sessions(const K& key_from, const K& key_to, Timestamp earliest_end,
                                  Timestamp latest_start) const {
    return of_keys(key_from, key_to, {to_ms(earliest_end), INT64_MAX, to_ms(latest_start)},
                   kBackward);
  }

  // Of all keys, those that end from `earliest_end` to `latest_end`.
  Sessions find_sessions(Timestamp earliest_end, Timestamp latest_end) const {
    return collect({}, {to_ms(earliest_end), to_ms(latest_end)}, kForward);
  }
  Sessions backward_find_sessions(Timestamp earliest_end, Timestamp latest_end) const {
    return collect({}, {to_ms(earliest_end), to_ms(latest_end)}, kBackward);
  }
  // All that can be read.
  Sessions all() const { return collect({}, kAll, kForward); }
  Sessions backward_all() const { return collect({}, kAll, kBackward); }

 protected:
  state::SeriesCells& cells() { return *cells_; }
  // Lifetime: until the next call of anything here.
  BytesView key_bytes(const K& key) const {
    key_bytes_.clear();
    key_serde_.serialize(key, key_bytes_);
    return key_bytes_;
  }

 private:
  static constexpr state::ScanOrder kForward = state::ScanOrder::kForward;
  static constexpr state::ScanOrder kBackward = state::ScanOrder::kBackward;
  struct Times {
    std::int64_t earliest_end = 0;
    std::int64_t latest_end = INT64_MAX;
    std::int64_t latest_start = INT64_MAX;
  };
  static constexpr Times kAll = {0, INT64_MAX, INT64_MAX};

  // Takes over those of the sessions that a scan visits that are wanted.
  auto taker(Sessions& taken, const Times& times) const {
    return [&taken, times, this](BytesView bytes, std::int64_t end, const state::Cell& cell) {
      const std::int64_t start = state::SeriesCells::second_of(cell);
      if (start > times.latest_start) return true;
      SessionWindowed<K> session{K{}, {from_ms(start), from_ms(end)}};
      key_serde_.deserialize(bytes, session.key);
      taken.push_back({std::move(session), *cell.template as<V>()});
      return true;
    };
  }
  Sessions of_key(const K& key, const Times& times, state::ScanOrder order) const {
    Sessions taken;
    cells_->fetch(key_bytes(key), times.earliest_end, times.latest_end, order, taker(taken, times));
    return taken;
  }
  Sessions of_keys(const K& key_from, const K& key_to, const Times& times,
                   state::ScanOrder order) const {
    const Bytes first(key_bytes(key_from));
    Bytes behind(key_bytes(key_to));
    behind.push_back('\0');  // the least bytes above the last key
    return collect({BytesView(first), BytesView(behind)}, times, order);
  }
  struct Keys {
    OptionalBytesView from = {};
    OptionalBytesView to = {};
  };
  Sessions collect(const Keys& keys, const Times& times, state::ScanOrder order) const {
    Sessions taken;
    cells_->scan({keys.from, keys.to, times.earliest_end, times.latest_end}, order,
                 taker(taken, times));
    return taken;
  }

  state::SeriesCells* cells_;
  mutable AnySerde<K> key_serde_;
  mutable Bytes key_bytes_;
};

// What a write does is part of the transaction at hand: undone with it, in the changelog with its
// commit.
template <class K, class V>
class SessionStore : public ReadOnlySessionStore<K, V> {
 public:
  // Lifetime: `write_time` outlives the store; what it holds is read at each write, and stands beside
  // the entry in the changelog.
  SessionStore(state::SeriesCells& cells, AnySerde<K> key_serde, const Timestamp& write_time)
      : ReadOnlySessionStore<K, V>(cells, std::move(key_serde)), write_time_(&write_time) {}

  // Effect: the session of this key, start and end has this value; one that is null (serde.h) removes
  // it. Returns false where the session is behind the retention, so that nothing was stored. Errors of
  // all writes: SerdeError where the key is null, the start negative or behind the end, and what a
  // serde throws.
  bool put(const SessionWindowed<K>& session, V value) {
    if (millrace::is_null(value)) return remove(session);
    const auto [start, end] = checked(session);
    if (!this->cells().readable(end)) return false;
    state::Cell& cell = this->cells().at(this->key_bytes(session.key), end, start);
    this->cells().change(cell);
    cell.template as<V>() = std::move(value);
    cell.timestamp = *write_time_;
    return true;
  }

  // Effect: the session goes, if it is there. Returns false where it is behind the retention.
  bool remove(const SessionWindowed<K>& session) {
    const auto [start, end] = checked(session);
    if (!this->cells().readable(end)) return false;
    this->cells().observe(end);
    state::Cell* cell = this->cells().find(this->key_bytes(session.key), end, start);
    if (state::value_in<V>(cell) == nullptr) return true;
    this->cells().change(*cell);
    cell->template as<V>().reset();
    cell->timestamp = *write_time_;
    return true;
  }

 private:
  std::pair<std::int64_t, std::int64_t> checked(const SessionWindowed<K>& session) {
    const std::int64_t start = to_ms(session.window.start);
    const std::int64_t end = to_ms(session.window.end);
    if (millrace::is_null(session.key)) {
      throw SerdeError("millrace: store " + this->cells().name() +
                       " was given a null key: an entry needs a key");
    }
    if (start < 0 || start > end) {
      throw SerdeError("millrace: store " + this->cells().name() +
                       " was given a session that starts before 1970 or after its end");
    }
    return {start, end};
  }

  const Timestamp* write_time_;
};

}  // namespace millrace
