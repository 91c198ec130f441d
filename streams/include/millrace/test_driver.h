// TopologyTestDriver: runs a topology in a test, with no broker, no threads and no waiting.
//
//   TopologyTestDriver driver(word_count_topology());
//   auto lines = driver.create_input_topic(kLines);
//   auto counts = driver.create_output_topic(kCounts);
//   lines.pipe_input({}, "to be or not to be", Timestamp(10ms));
//   assert(counts.read_key_values_to_list() == expected);
//   assert(driver.store(kWordCounts).get("be") == 2);
//
// It is the real engine on a log in memory with Kafka's semantics: transactions, changelogs,
// repartition topics and commits are the ones of production. Every pipe_input() ends with a commit.
// TestOptions::hostile makes the log behave as badly as a cluster may (late answers, aborted and
// fenced transactions, unknown outcomes, revoked tasks): committed results must not change.
//
// Not thread-safe. Errors of all functions that run the topology: StoppedError if it stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "millrace/config.h"
#include "millrace/detail/sink_node.h"
#include "millrace/key_value_store.h"
#include "millrace/session_store.h"
#include "millrace/store_name.h"
#include "millrace/topic.h"
#include "millrace/topology.h"
#include "millrace/window_store.h"

namespace millrace {

struct TestOptions {
  // A seed: the log is hostile, the same way for the same seed, and so is the disk. MILLRACE_HOSTILE=
  // <seed> in the environment does the same for drivers that do not say.
  std::optional<std::uint64_t> hostile = {};

  // True: not even MILLRACE_HOSTILE makes this driver hostile. For tests of what may change where a
  // transaction is aborted or a task begins anew: how often init() and close() are called, member
  // variables of a processor, how many commits there are.
  bool plain = false;

  // True: a hostile log takes no task away. For topologies that are scheduled by the wall clock:
  // where a task begins anew, so do such schedules (SEMANTICS R-P2).
  bool hostile_keeps_tasks = false;

  // A seed: stores of StoreKind::kPersistent lie on a disk, which is one in memory, and memory is
  // short: what the disk has leaves it between records, and the disk gets it late. restart() finds
  // the disk as a crash or an orderly end left it, or that of a machine which has older state or
  // none. Not said: as `hostile` says; if that says nothing, all is in memory, as in a test that has
  // to be fast.
  std::optional<std::uint64_t> disk = {};

  // Partitions of the topics that the topology reads and writes, 1 where not said.
  std::map<std::string, std::int32_t> partitions = {};

  // What the wall clock says at first; it moves only by advance_wall_clock_time().
  Timestamp start_time{};

  // True: pipe_input() ends with a commit and everything that follows from it. False: transactions
  // span inputs; what is committed when is the engine's own choice, until outputs are looked at.
  bool commit_each_input = true;
};

// A record that owns its parts.
template <class K, class V>
struct TestRecord {
  K key{};
  V value{};
  Timestamp timestamp{};
  Headers headers{};

  friend bool operator==(const TestRecord&, const TestRecord&) = default;
};

// What the log and the disk did to the topology since the driver was made. All but commits are zero
// unless they are hostile.
struct TestCounts {
  std::int64_t commits = 0;
  std::int64_t aborts = 0;
  std::int64_t fences = 0;
  std::int64_t unknown_outcomes = 0;
  std::int64_t revocations = 0;
  std::int64_t evictions = 0;   // steps that freed memory, counted where memory was short
  std::int64_t disk_reads = 0;  // of what was not in memory
};

namespace detail {

// A record as bytes, as it lies in the log.
struct RawTestRecord {
  Partition partition;
  Offset offset;
  OptionalBytes key;
  OptionalBytes value;
  Timestamp timestamp;
  Headers headers;
};

// The driver without types.
class TestDriverCore {
 public:
  TestDriverCore(Topology topology, StreamsConfig config, TestOptions options);
  ~TestDriverCore();

  void pipe(const std::string& topic, std::size_t key_bytes_behind_inner, OptionalBytesView key,
            OptionalBytesView value, Timestamp timestamp, const Headers& headers);
  std::optional<RawTestRecord> read(const std::string& topic);
  bool has_record(const std::string& topic);
  std::vector<RawTestRecord> committed_records(const std::string& topic);
  void advance_wall_clock_time(Duration by);
  void settle();
  void drain();
  void restart();
  state::Store& find_store(std::string_view name, const std::type_info& key,
                           const std::type_info& value);
  std::vector<std::string> topics();
  std::map<std::string, std::int64_t> dropped_records();
  TestCounts counts() const;
  Timestamp wall_clock_time() const;
  void on_transaction_end(std::function<void(bool committed)> f);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

template <class T>
OptionalBytesView to_payload(AnySerde<T>& serde, const T& value, Bytes& buffer) {
  if (is_null(value)) return std::nullopt;
  buffer.clear();
  serde.serialize(value, buffer);
  return buffer;
}

template <class T>
T from_payload(AnySerde<T>& serde, const OptionalBytes& payload, const std::string& topic) {
  T value{};
  if (payload) {
    serde.deserialize(*payload, value);
  } else if constexpr (Nullable<T>) {
    set_null(value);
  } else {
    throw SerdeError("a null in topic " + topic + ": read it as std::optional");
  }
  return value;
}

}  // namespace detail

// Writes to an input topic. Lifetime: that of the driver.
template <class K, class V>
class TestInputTopic {
 public:
  TestInputTopic(detail::TestDriverCore& driver, const Topic<K, V>& topic, Timestamp start,
                 Duration auto_advance)
      : driver_(&driver),
        name_(topic.name()),
        serdes_(topic.serdes()),
        next_(start),
        auto_advance_(auto_advance) {}

  // Effect: appends the record and runs the topology until nothing is left to do.
  void pipe_input(const K& key, const V& value, Timestamp timestamp) {
    pipe_input(TestRecord<K, V>{key, value, timestamp, {}});
  }
  // The same at the topic's own time, which then moves by its auto-advance.
  void pipe_input(const K& key, const V& value) {
    pipe_input(key, value, next_);
    next_ += auto_advance_;
  }
  void pipe_input(const TestRecord<K, V>& record) {
    Bytes key;
    Bytes value;
    driver_->pipe(
        name_, graph::kKeyBytesBehindInner<K>, detail::to_payload(serdes_.key, record.key, key),
        detail::to_payload(serdes_.value, record.value, value), record.timestamp, record.headers);
  }
  void pipe_input(const std::vector<TestRecord<K, V>>& records) {
    for (const auto& record : records) pipe_input(record);
  }

 private:
  detail::TestDriverCore* driver_;
  std::string name_;
  TopicSerdes<K, V> serdes_;
  Timestamp next_;
  Duration auto_advance_;
};

// Reads an output topic, or any other, record by record as they were committed: partition by
// partition where there are several. Lifetime: that of the driver.
template <class K, class V>
class TestOutputTopic {
 public:
  TestOutputTopic(detail::TestDriverCore& driver, const Topic<K, V>& topic)
      : driver_(&driver), name_(topic.name()), serdes_(topic.serdes()) {}

  bool is_empty() { return !driver_->has_record(name_); }

  // Errors: std::out_of_range if there is none.
  TestRecord<K, V> read_record() {
    const auto raw = driver_->read(name_);
    if (!raw) throw std::out_of_range("no record left in topic " + name_);
    return {detail::from_payload(serdes_.key, raw->key, name_),
            detail::from_payload(serdes_.value, raw->value, name_), raw->timestamp, raw->headers};
  }
  KeyValue<K, V> read_key_value() {
    TestRecord<K, V> record = read_record();
    return {std::move(record.key), std::move(record.value)};
  }
  V read_value() { return read_record().value; }

  std::vector<TestRecord<K, V>> read_records_to_list() {
    std::vector<TestRecord<K, V>> records;
    while (!is_empty()) records.push_back(read_record());
    return records;
  }
  std::vector<KeyValue<K, V>> read_key_values_to_list() {
    std::vector<KeyValue<K, V>> pairs;
    while (!is_empty()) pairs.push_back(read_key_value());
    return pairs;
  }
  std::vector<V> read_values_to_list() {
    std::vector<V> values;
    while (!is_empty()) values.push_back(read_value());
    return values;
  }
  // The last value of each key.
  std::map<K, V> read_key_values_to_map() {
    std::map<K, V> latest;
    while (!is_empty()) {
      KeyValue<K, V> pair = read_key_value();
      latest.insert_or_assign(std::move(pair.key), std::move(pair.value));
    }
    return latest;
  }

 private:
  detail::TestDriverCore* driver_;
  std::string name_;
  TopicSerdes<K, V> serdes_;
};

class TopologyTestDriver {
 public:
  // config: application_id is "test" unless given; bootstrap_servers is not used.
  explicit TopologyTestDriver(Topology topology, StreamsConfig config = {},
                              TestOptions options = {})
      : core_(std::move(topology), std::move(config), std::move(options)) {}

  // Records without a timestamp of their own get `start`, and each moves it by `auto_advance`.
  template <class K, class V>
  TestInputTopic<K, V> create_input_topic(const Topic<K, V>& topic, Timestamp start = {},
                                          Duration auto_advance = {}) {
    return {core_, topic, start, auto_advance};
  }
  template <class K, class V>
  TestOutputTopic<K, V> create_output_topic(const Topic<K, V>& topic) {
    return {core_, topic};
  }

  // Effect: moves the wall clock and runs what is due.
  void advance_wall_clock_time(Duration by) { core_.advance_wall_clock_time(by); }
  Timestamp wall_clock_time() const { return core_.wall_clock_time(); }

  // The content of a store, of all partitions that the driver has only one of.
  // Errors: StoreUnavailable if there is no such store; std::invalid_argument if it has several
  // partitions or was made with other types.
  template <class K, class V>
  ReadOnlyKeyValueStore<K, V> store(KeyValueStoreName<K, V> name,
                                    AnySerde<K> key_serde = default_serde<K>()) {
    return {
        dynamic_cast<state::KeyValueCells&>(core_.find_store(name.view(), typeid(K), typeid(V))),
        std::move(key_serde)};
  }
  template <class K, class V>
  ReadOnlyWindowStore<K, V> store(WindowStoreName<K, V> name,
                                  AnySerde<K> key_serde = default_serde<K>()) {
    return {
        dynamic_cast<state::AnyWindowCells&>(core_.find_store(name.view(), typeid(K), typeid(V))),
        std::move(key_serde)};
  }

  template <class K, class V>
  ReadOnlySessionStore<K, V> store(SessionStoreName<K, V> name,
                                   AnySerde<K> key_serde = default_serde<K>()) {
    return {dynamic_cast<state::SeriesCells&>(core_.find_store(name.view(), typeid(K), typeid(V))),
            std::move(key_serde)};
  }

  // Effect: runs until everything that was piped is committed. What reads outputs does it by
  // itself.
  void settle() { core_.settle(); }

  // Effect: runs until everything that was piped was taken, be it committed or not. Where
  // transactions span inputs: what is piped afterwards is taken afterwards.
  void drain() { core_.drain(); }

  // Effect: the worker dies without a word, and another takes over: state comes from the
  // changelogs, and from the disk where there is one.
  void restart() { core_.restart(); }

  // Topics that hold records, internal ones included, by name.
  std::vector<std::string> produced_topics() { return core_.topics(); }
  // All committed records of a topic, as bytes; read_…() of output topics are not affected.
  std::vector<detail::RawTestRecord> committed_records(const std::string& topic) {
    return core_.committed_records(topic);
  }

  // "node/reason" → records that were dropped (SEMANTICS R-N), since the last restart.
  std::map<std::string, std::int64_t> dropped_records() { return core_.dropped_records(); }

  TestCounts counts() const { return core_.counts(); }

  // Effect: f is called whenever a transaction is over; if it was not committed, before its records
  // are taken again: so a test can take back what peek() noted in an attempt that did not count. A
  // record that failed and was left out may have left a note in one that does (docs/failures.md).
  void on_transaction_end(std::function<void(bool committed)> f) {
    core_.on_transaction_end(std::move(f));
  }

 private:
  detail::TestDriverCore core_;
};

}  // namespace millrace
