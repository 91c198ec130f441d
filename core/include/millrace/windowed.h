// Windowed<K>: the key of a result that belongs to a time window, and how it is stored.
//
//   stream.to(Topic<Windowed<std::string>, Delays>("delays", {.key =
//   time_windowed_serde<std::string>(1h)}));
//
// In a topic the key is `key ‖ 8 bytes start`, as Java's TimeWindowedSerializer writes it: the end
// is not stored, so the reader must say how long the windows are (SEMANTICS §3.4).
#pragma once

#include <cstdint>
#include <utility>

#include "millrace/serde.h"
#include "millrace/time.h"

namespace millrace {

// [start, end) for tumbling and hopping windows; of a session the times of its first and its last
// record, both inclusive.
struct Window {
  Timestamp start;
  Timestamp end;

  friend auto operator<=>(const Window&, const Window&) = default;
};

// The window of this size that starts here; one that would end behind all time ends with it
// (unlimited windows). REQUIRES: size >= 0.
constexpr Window window_from(Timestamp start, Duration size) {
  return {start, start > Timestamp::max() - size ? Timestamp::max() : start + size};
}

template <class K>
struct Windowed {
  K key;
  Window window;

  friend auto operator<=>(const Windowed&, const Windowed&) = default;
};

// The key of a session: its window tells when the first and the last of its records happened.
template <class K>
struct SessionWindowed {
  K key;
  Window window;

  friend auto operator<=>(const SessionWindowed&, const SessionWindowed&) = default;
};

namespace detail {
// Errors: SerdeError where `in` has no room for a start; the inner key's bytes are what is left.
std::int64_t split_window_start(BytesView& in);

template <class Inner, class K>
struct TimeWindowedSerde {
  Inner inner;
  Duration size;

  void serialize(const Windowed<K>& value, Bytes& out) {
    inner.serialize(value.key, out);
    append_big_endian(static_cast<std::uint64_t>(to_ms(value.window.start)), 8, out);
  }
  void deserialize(BytesView in, Windowed<K>& value) {
    const Timestamp start = from_ms(split_window_start(in));
    inner.deserialize(in, value.key);
    value.window = window_from(start, size);
  }
};
}  // namespace detail

namespace detail {
// Errors: SerdeError where `in` has no room for both; the inner key's bytes are what is left.
Window split_session(BytesView& in);

// `key ‖ 8 bytes end ‖ 8 bytes start`, as Java's SessionWindowedSerializer writes it.
template <class Inner, class K>
struct SessionWindowedSerde {
  Inner inner;

  void serialize(const SessionWindowed<K>& value, Bytes& out) {
    inner.serialize(value.key, out);
    append_big_endian(static_cast<std::uint64_t>(to_ms(value.window.end)), 8, out);
    append_big_endian(static_cast<std::uint64_t>(to_ms(value.window.start)), 8, out);
  }
  void deserialize(BytesView in, SessionWindowed<K>& value) {
    const Window window = split_session(in);
    inner.deserialize(in, value.key);
    value.window = window;
  }
};
}  // namespace detail

// The serde of sessions' keys over a serde of your own for the inner key; without one Serde<K>.
template <class K, SerdeFor<K> Inner>
auto session_windowed_serde(Inner inner) {
  return detail::SessionWindowedSerde<Inner, K>{std::move(inner)};
}
template <HasSerde K>
struct Serde<SessionWindowed<K>> : detail::SessionWindowedSerde<Serde<K>, K> {};

// The serde of windowed keys of windows of this size. REQUIRES: size > 0.
template <class K>
auto time_windowed_serde(Duration size) {
  return detail::TimeWindowedSerde<Serde<K>, K>{Serde<K>{}, size};
}

// The same over a serde of your own for the inner key.
template <class K, SerdeFor<K> Inner>
auto time_windowed_serde(Duration size, Inner inner) {
  return detail::TimeWindowedSerde<Inner, K>{std::move(inner), size};
}

// A windowed key without a size cannot be read back: one sentence instead of a wrong default.
template <class K>
struct Serde<Windowed<K>> {
  static constexpr bool kNeedsSize = true;
};

}  // namespace millrace
