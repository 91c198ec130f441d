// Records as they travel: RecordView as the log stores them (bytes), RecordContext beside the typed
// key and value inside a topology, Record as a processor is given it.
//
//   void process(const Record<std::string, Payment>& payment) override {
//     if (payment.timestamp < limit) return;      // borrowed: valid for this call, not copyable
//   }
#pragma once

#include <string_view>

#include "millrace/bytes.h"
#include "millrace/headers.h"
#include "millrace/ids.h"
#include "millrace/time.h"

namespace millrace {

// A record as bytes. Lifetime: that of the batch or arena that owns it.
struct RecordView {
  OptionalBytesView key;
  OptionalBytesView value;
  Timestamp timestamp = kNoTimestamp;
  Offset offset = kNoOffset;
  const Headers* headers = &Headers::none();
};

// The serialized key of the record at hand, with the identity of the serde that wrote it. A store
// or sink may use the bytes instead of serializing again only if its own serde has the same
// identity (ENGINE §11). No identity: unknown.
struct KeyBytes {
  BytesView bytes;
  const void* serde = nullptr;
};

// Where a record comes from and what travels beside key and value. Passed down the graph by
// reference; a node that changes a part of it forwards a changed copy made on the stack.
struct RecordContext {
  std::string_view topic;  // empty inside a punctuation
  Partition partition;
  Offset offset = kNoOffset;
  Timestamp timestamp = kNoTimestamp;
  const Headers* headers = &Headers::none();
  KeyBytes key_bytes;

  RecordContext with_new_key() const {
    RecordContext changed = *this;
    changed.key_bytes = {};
    return changed;
  }
  RecordContext with_timestamp(Timestamp t) const {
    RecordContext changed = *this;
    changed.timestamp = t;
    return changed;
  }
};

// A typed record, borrowed for one call.
template <class K, class V>
struct Record {
  const K& key;
  const V& value;
  Timestamp timestamp;
  const Headers& headers;

  Record(const K& k, const V& v, Timestamp t, const Headers& h)
      : key(k), value(v), timestamp(t), headers(h) {}
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;
};

// What map() and flat_map() return.
template <class K, class V>
struct KeyValue {
  K key;
  V value;

  friend bool operator==(const KeyValue&, const KeyValue&) = default;
};
template <class K, class V>
KeyValue(K, V) -> KeyValue<K, V>;

}  // namespace millrace
