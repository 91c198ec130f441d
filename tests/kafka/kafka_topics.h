// Topics of a log, filled and read as other programs would: a transactional producer in, a
// read_committed reader out.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kafka/waiting.h"
#include "log/kafka/kafka_log.h"
#include "millrace/partitioning.h"

namespace millrace::kafka_test {

struct Row {
  Bytes key;
  OptionalBytes value;
  Timestamp timestamp;
};

// Not thread-safe. All functions wait, and throw std::runtime_error where the log refuses.
class LogTopics {
 public:
  // The log outlives the object.
  explicit LogTopics(log::Log& log) : log_(log), admin_(log_.make_admin(waiting_.inbox)) {}

  void create(const std::string& name, std::int32_t partitions) {
    const log::OperationId id = waiting_.next_id();
    // The tests' records are stamped 1970: with the default retention a broker deletes them at
    // once.
    admin_->submit_create_topics(id, {{name, partitions, {{"retention.ms", "-1"}}}});
    check(waiting_.wait(id).status);
    partitions_[name] = partitions;
  }

  // Effect: writes all rows in one transaction, partitioned by key as every Java client does.
  void produce(const std::string& topic, const std::vector<Row>& rows) {
    auto producer = log_.make_producer({.transactional_id = "input-of-" + topic}, waiting_.inbox);
    check(waiting_.init(*producer));
    const log::SinkTopic sink = producer->topic(topic);
    check(producer->begin());
    for (const Row& row : rows) {
      const log::OutgoingRecord record{
          .key = row.key,
          .value = row.value ? OptionalBytesView(*row.value) : std::nullopt,
          .timestamp = row.timestamp};
      const Partition partition = partition_for_key(row.key, partitions_.at(topic));
      while (producer->send(sink, partition, record) == log::SendResult::kFull)
        waiting_.inbox.wait(Duration(10));
    }
    check(waiting_.flush(*producer));
    check(waiting_.commit(*producer, {}, {.group = "nobody"}));
  }

  // All committed records, partition by partition, as the log has them now.
  std::vector<Row> read(const std::string& topic) {
    std::vector<TopicPartition> where;
    for (std::int32_t p = 0; p < partitions_.at(topic); ++p) where.push_back({topic, Partition(p)});
    const log::OperationId id = waiting_.next_id();
    admin_->submit_list_offsets(id, log::OffsetKind::kEnd, where);
    const auto ends = std::get<log::OffsetsListed>(waiting_.wait(id).what);
    std::vector<Row> rows;
    for (const auto& [partition, end] : ends.offsets) read(partition, end, rows);
    return rows;
  }

 private:
  void read(const TopicPartition& where, Offset end, std::vector<Row>& rows) {
    auto reader = log_.make_reader({}, waiting_.inbox);
    const log::ReaderPartition partition = reader->start(where, Offset(0));
    const Duration until = SystemClock::instance().monotonic() + Duration(60'000);
    log::RecordBatch batch;
    while (reader->position(partition) < end) {
      if (SystemClock::instance().monotonic() > until) {
        throw std::runtime_error("cannot read " + to_string(where) + " to its end " +
                                 std::to_string(end.value()) + ": at " +
                                 std::to_string(reader->position(partition).value()));
      }
      reader->drain(partition, 1000, batch);
      for (const RecordView& record : batch) {
        rows.push_back({Bytes(record.key.value_or("")),
                        record.value ? OptionalBytes(Bytes(*record.value)) : std::nullopt,
                        record.timestamp});
      }
      if (batch.empty()) waiting_.inbox.wait(Duration(10));
    }
  }

  static void check(const Status& status) {
    if (!status.ok()) throw std::runtime_error(status.message());
  }

  log::Waiting waiting_;
  log::Log& log_;
  std::unique_ptr<log::LogAdmin> admin_;
  std::map<std::string, std::int32_t> partitions_;
};

struct OwnKafkaLog {
  log::KafkaLog own_log;
};

class KafkaTopics : private OwnKafkaLog, public LogTopics {
 public:
  explicit KafkaTopics(const std::string& servers)
      : OwnKafkaLog{log::KafkaLog({.bootstrap_servers = servers})}, LogTopics(own_log) {}
};

}  // namespace millrace::kafka_test
