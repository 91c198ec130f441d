// EmbeddedLog: topics in a directory of this machine, in place of a Kafka cluster. Durable,
// transactional, no broker; opened in milliseconds. What it keeps when: docs/embedded_log.md.
//
//   EmbeddedLog log("/var/lib/app");
//   log.create_topic("orders", 4);
//   EmbeddedWriter orders(log, kOrders);                   // kOrders: Topic<std::string, Order>
//   orders.append("o-1", order, Timestamp(1s));
//   orders.commit();                                       // durable, and visible to readers
//
//   Streams app(builder.build(), {.application_id = "shop", .embedded_log = &log});
//   app.start();
//
//   EmbeddedReader totals(log, kTotals);
//   while (auto total = totals.read(100ms)) use(total->key, total->value);
//
// One process has the directory at a time. An application that needs nobody else beside it names the
// directory alone: .bootstrap_servers = "embedded:///var/lib/app".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "millrace/headers.h"
#include "millrace/ids.h"
#include "millrace/logging.h"
#include "millrace/record.h"
#include "millrace/time.h"
#include "millrace/topic.h"

namespace millrace {

namespace log {
class Log;
}
class EmbeddedLog;

namespace detail {

log::Log& log_of(EmbeddedLog& embedded);

// What a writer is under its types.
class EmbeddedWriterCore {
 public:
  EmbeddedWriterCore(EmbeddedLog& log, std::string topic);
  ~EmbeddedWriterCore();
  EmbeddedWriterCore(EmbeddedWriterCore&&) noexcept;
  EmbeddedWriterCore& operator=(EmbeddedWriterCore&&) noexcept;

  void append(OptionalBytesView key, OptionalBytesView value, Timestamp timestamp,
              const Headers& headers);
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a reader is under its types.
class EmbeddedReaderCore {
 public:
  EmbeddedReaderCore(EmbeddedLog& log, std::string topic);
  ~EmbeddedReaderCore();
  EmbeddedReaderCore(EmbeddedReaderCore&&) noexcept;
  EmbeddedReaderCore& operator=(EmbeddedReaderCore&&) noexcept;

  struct Read {
    Partition partition;
    RecordView record;  // valid until the next read()
  };
  std::optional<Read> read(Duration at_most);
  bool at_end() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace detail

// Thread-safe. Whatever was made with it, or runs on it, goes before it.
class EmbeddedLog {
 public:
  // Effect: opens the directory, which is made if it is not there, and holds it until the object is
  // gone. Properties: those of docs/embedded_log.md, e.g. {"embedded.sync", "window"}. The logger
  // (default: stderr) outlives the log.
  // Errors: ConfigError, every wrong property at once; StoppedError where the directory cannot be
  // used: another process holds it (its pid, since when), it is damaged (file, byte), no right, no
  // room.
  explicit EmbeddedLog(std::string directory, std::map<std::string, std::string> properties = {},
                       Logger* logger = nullptr);
  ~EmbeddedLog();
  EmbeddedLog(const EmbeddedLog&) = delete;
  EmbeddedLog& operator=(const EmbeddedLog&) = delete;

  const std::string& directory() const;

  // All of these wait until they are durable. Errors: TopicError, what is wrong with the topic;
  // StoppedError, the log cannot go on.

  // Effect: makes the topic; one of that name is left as it is. `config`: Kafka's topic
  // configuration, e.g. {"retention.ms", "-1"}.
  void create_topic(const std::string& name, std::int32_t partitions,
                    std::map<std::string, std::string> config = {});
  // Effect: the topic and its records are gone; a missing one is no error.
  void delete_topic(const std::string& name);

  // nullopt: there is no such topic.
  std::optional<std::int32_t> partitions(const std::string& topic) const;

 private:
  friend log::Log& detail::log_of(EmbeddedLog&);
  struct State;
  std::unique_ptr<State> state_;
};

// Writes records to a topic, a transaction at a time: nothing is visible before commit(), then all is.
// Not thread-safe; any number of writers, each on its thread.
template <class K, class V>
class EmbeddedWriter {
 public:
  // Errors: TopicError where there is no such topic.
  EmbeddedWriter(EmbeddedLog& log, const Topic<K, V>& topic)
      : serdes_(topic.serdes()), core_(log, topic.name()) {}

  // Effect: adds a record; it goes to the partition that Kafka's Java producer would choose for its
  // key, without a key to all in turn. What is not committed is lost with the writer. A transaction
  // may hold embedded.max.transaction.bytes; thousands of records are a good size.
  // Errors: SerdeError, or TopicError for a negative timestamp: the record is left out, the others of
  // the transaction are as before. What the topic refuses (size, no key in a compacted topic)
  // commit() tells. StoppedError: the log cannot go on.
  void append(const std::type_identity_t<K>& key, const std::type_identity_t<V>& value,
              Timestamp timestamp, const Headers& headers = Headers::none()) {
    core_.append(to_bytes(key, serdes_.key, key_), to_bytes(value, serdes_.value, value_),
                 timestamp, headers);
  }

  // Effect: waits until everything appended is durable and visible; while the disk is full, until
  // there is room. Errors: TopicError, StoppedError: nothing of it is visible.
  void commit() { core_.commit(); }

 private:
  template <class T>
  static OptionalBytesView to_bytes(const T& value, AnySerde<T>& serde, Bytes& buffer) {
    if (is_null(value)) return std::nullopt;
    buffer.clear();
    serde.serialize(value, buffer);
    return buffer;
  }

  TopicSerdes<K, V> serdes_;
  Bytes key_;
  Bytes value_;
  detail::EmbeddedWriterCore core_;
};

template <class K, class V>
struct EmbeddedRecord {
  Partition partition;
  Offset offset;
  K key{};
  V value{};
  Timestamp timestamp{};
  Headers headers{};
};

// Reads a topic from its beginning: committed records only, each partition in its order. Not
// thread-safe.
template <class K, class V>
class EmbeddedReader {
 public:
  // Errors: TopicError where there is no such topic.
  EmbeddedReader(EmbeddedLog& log, const Topic<K, V>& topic)
      : serdes_(topic.serdes()), core_(log, topic.name()) {}

  // Returns the next record, or nullopt if none came within the time (0: what is there now).
  // Errors: SerdeError, for a record that is not of these types: the next call goes on behind it;
  // StoppedError where the topic cannot be read any more (deleted, damaged).
  std::optional<EmbeddedRecord<K, V>> read(Duration at_most) {
    const auto next = core_.read(at_most);
    if (!next) return std::nullopt;
    EmbeddedRecord<K, V> record{.partition = next->partition,
                                .offset = next->record.offset,
                                .timestamp = next->record.timestamp,
                                .headers = *next->record.headers};
    from_bytes(next->record.key, serdes_.key, record.key);
    from_bytes(next->record.value, serdes_.value, record.value);
    return record;
  }

  // Whether everything was read that was committed when this is asked.
  bool at_end() const { return core_.at_end(); }

 private:
  template <class T>
  static void from_bytes(OptionalBytesView bytes, AnySerde<T>& serde, T& value) {
    if (bytes) {
      serde.deserialize(*bytes, value);
    } else if constexpr (Nullable<T>) {
      set_null(value);
    } else {
      throw SerdeError("a record without a key or value, where the topic's type cannot be null");
    }
  }

  TopicSerdes<K, V> serdes_;
  detail::EmbeddedReaderCore core_;
};

}  // namespace millrace
