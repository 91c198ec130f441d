// What a grouped table sends through its repartition topic: a value that enters a group, one that
// leaves it, or both at once. The bytes are Java's (ChangedSerializer), so that a C++ and a Java
// program may take turns at one topic (SEMANTICS §3.5):
//
//   old | 00                            leaves
//   new | 01                            enters
//   length of new | new | old | 02      both; the length is a zig-zag varint
//
// A reader also takes 03, 04, 05: the same three with one more byte before the last one, which says
// whether the change is the key's latest. Frozen: do not renumber.
#pragma once

#include <optional>
#include <utility>

#include "millrace/bytes.h"
#include "millrace/serde.h"

namespace millrace::detail {

// A value: owns what it holds, as the decoder of a source needs it.
template <class V>
struct GroupChange {
  std::optional<V> now;     // enters the group
  std::optional<V> before;  // leaves it
};

struct ChangeBytes {
  OptionalBytesView now;
  OptionalBytesView before;
};

// Effect: takes the bytes apart; the views look at `in`.
// Errors: SerdeError where no writer can have written these bytes.
ChangeBytes split_change(BytesView in);

// The three layouts. `now` and `before` are serialized values.
void append_change_left(BytesView before, Bytes& out);
void append_change_entered(BytesView now, Bytes& out);
void append_change_both(BytesView now, BytesView before, Bytes& out);

template <class V>
struct ChangeSerde {
  explicit ChangeSerde(AnySerde<V> serde) : inner(std::move(serde)) {}

  // REQUIRES: at least one of the two is there.
  void serialize(const GroupChange<V>& change, Bytes& out) {
    now_bytes.clear();
    before_bytes.clear();
    if (change.now) inner.serialize(*change.now, now_bytes);
    if (change.before) inner.serialize(*change.before, before_bytes);
    if (!change.now) {
      append_change_left(before_bytes, out);
    } else if (!change.before) {
      append_change_entered(now_bytes, out);
    } else {
      append_change_both(now_bytes, before_bytes, out);
    }
  }

  void deserialize(BytesView in, GroupChange<V>& change) {
    const ChangeBytes bytes = split_change(in);
    read(bytes.now, change.now);
    read(bytes.before, change.before);
  }

  AnySerde<V> inner;
  Bytes now_bytes;
  Bytes before_bytes;

 private:
  void read(const OptionalBytesView& bytes, std::optional<V>& value) {
    if (!bytes) {
      value.reset();
      return;
    }
    if (!value) value.emplace();
    inner.deserialize(*bytes, *value);
  }
};

}  // namespace millrace::detail
