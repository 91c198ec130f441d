// The bytes of a store on disk: one column family of a task's RocksDB (docs/format/state.md).
//
//   entry    0x01 ‖ key               →  timestamp (8 bytes, big-endian) ‖ value
//   ours     0x00 ‖ name              →  see below
//
// So every key is possible, the empty one included, order is that of the unsigned bytes of keys, and
// no scan of entries meets what is ours. Frozen: what is written here is read by later versions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "millrace/bytes.h"
#include "millrace/detail/encoding.h"
#include "millrace/ids.h"
#include "millrace/time.h"

namespace millrace::state::rocks {

// Of the whole layout; what a version does not know it does not touch.
inline constexpr std::int32_t kFormatVersion = 1;

inline constexpr char kOurs = '\x00';
inline constexpr char kEntry = '\x01';

// Names of what is ours.
inline constexpr std::string_view kFormatName = "format";      // int32: kFormatVersion
inline constexpr std::string_view kOffsetName = "offset";      // int64 offset ‖ int64 timestamp
inline constexpr std::string_view kCompleteName = "complete";  // int64 timestamp
inline constexpr std::string_view kIdentityPrefix = "identity/";  // ‖ fact → text
inline constexpr std::string_view kFactPrefix = "fact/";          // ‖ fact → bytes

// The column family of a store; "default" is RocksDB's own and stays empty.
inline constexpr std::string_view kFamilyPrefix = "store.";

inline void put_entry_key(BytesView key, Bytes& out) {
  out.assign(1, kEntry);
  out.append(key);
}

inline Bytes our_key(std::string_view prefix, std::string_view name = {}) {
  Bytes key(1, kOurs);
  key.append(prefix).append(name);
  return key;
}

inline void put_entry_value(BytesView value, Timestamp timestamp, Bytes& out) {
  out.clear();
  detail::append_int(to_ms(timestamp), out);
  out.append(value);
}

struct EntryValue {
  BytesView value;
  Timestamp timestamp;
};

// nullopt: nobody of ours wrote that.
inline std::optional<EntryValue> read_entry_value(BytesView stored) {
  const auto ms = detail::read_int<std::int64_t>(stored);
  if (!ms) return std::nullopt;
  return EntryValue{stored, from_ms(*ms)};
}

struct StoredOffset {
  Offset offset = kNoOffset;
  Timestamp stamped = kNoTimestamp;
};

inline Bytes offset_value(StoredOffset at) {
  Bytes value;
  detail::append_int(at.offset.value(), value);
  detail::append_int(to_ms(at.stamped), value);
  return value;
}

inline Bytes complete_value(Timestamp as_of) {
  Bytes value;
  detail::append_int(to_ms(as_of), value);
  return value;
}

inline std::optional<StoredOffset> read_offset_value(BytesView stored) {
  const auto offset = detail::read_int<std::int64_t>(stored);
  const auto stamped = detail::read_int<std::int64_t>(stored);
  if (!offset || !stamped || !stored.empty()) return std::nullopt;
  return StoredOffset{Offset(*offset), from_ms(*stamped)};
}

}  // namespace millrace::state::rocks
