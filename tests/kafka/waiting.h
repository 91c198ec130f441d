// Waiting for the completions of a Kafka log's operations.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "log/kafka/kafka_log.h"
#include "millrace/clock.h"

namespace millrace::log {

class Waiting {
 public:
  OperationId next_id() { return OperationId(++last_id_); }

  // Effect: waits for the completion. Throws when it does not come.
  Event wait(OperationId id, Duration at_most = Duration(60'000)) {
    const Duration until = SystemClock::instance().monotonic() + at_most;
    for (;;) {
      Event event;
      while (inbox.pop(event)) {
        const OperationId of = event.operation;
        if (of == kNoOperation) {
          unasked.push_back(std::move(event));
        } else {
          answers_[of] = std::move(event);
        }
      }
      if (const auto found = answers_.find(id); found != answers_.end()) return found->second;
      if (SystemClock::instance().monotonic() >= until) throw std::runtime_error("no completion");
      inbox.wait(Duration(20));
    }
  }

  Status init(LogProducer& producer) {
    const OperationId id = next_id();
    producer.submit_init(id);
    return wait(id).status;
  }
  Status flush(LogProducer& producer) {
    const OperationId id = next_id();
    producer.submit_flush(id);
    return wait(id).status;
  }
  Status commit(LogProducer& producer, std::vector<OffsetToCommit> offsets = {},
                FencingToken token = {}) {
    const OperationId id = next_id();
    producer.submit_commit(id, std::move(offsets), std::move(token));
    return wait(id).status;
  }
  Status abort(LogProducer& producer) {
    const OperationId id = next_id();
    producer.submit_abort(id);
    return wait(id).status;
  }
  Status create(LogAdmin& admin, const std::string& topic) {
    const OperationId id = next_id();
    admin.submit_create_topics(id, {{topic, 1, {}}});
    return wait(id).status;
  }
  CommittedOffset committed(LogAdmin& admin, const std::string& group,
                            const TopicPartition& where) {
    for (;;) {
      const OperationId id = next_id();
      admin.submit_committed_offsets(id, group, {where});
      const Event event = wait(id);
      if (!event.status.ok()) continue;
      const CommittedOffset& found = std::get<OffsetsCommitted>(event.what).offsets.at(0);
      if (found.stable) return found;
    }
  }

  void send(LogProducer& producer, const TopicPartition& where, std::string_view value) {
    const SendResult sent =
        producer.send(producer.topic(where.topic), where.partition,
                      {.value = value, .timestamp = SystemClock::instance().now()});
    EXPECT_EQ(sent, SendResult::kSent);
  }

  // Effect: the values from the partition's start up to its end.
  std::vector<std::string> read_all(Log& log, LogAdmin& admin, const TopicPartition& where) {
    const OperationId id = next_id();
    admin.submit_list_offsets(id, OffsetKind::kEnd, {where});
    const Event listed = wait(id);
    if (!listed.status.ok()) throw std::runtime_error(listed.status.message());
    const Offset end = std::get<OffsetsListed>(listed.what).offsets.at(0).offset;
    const auto reader = log.make_reader({}, inbox);
    const ReaderPartition index = reader->start(where, Offset(0));
    std::vector<std::string> values;
    RecordBatch batch;
    const Duration until = SystemClock::instance().monotonic() + Duration(60'000);
    while (reader->position(index) < end) {
      if (SystemClock::instance().monotonic() >= until) {
        std::string said;
        for (Event event; inbox.pop(event);) said += "; " + event.status.message();
        throw std::runtime_error("at " + std::to_string(reader->position(index).value()) + " of " +
                                 std::to_string(end.value()) + said);
      }
      reader->drain(index, 1000, batch);
      for (const RecordView& record : batch) values.emplace_back(record.value.value_or("(null)"));
      if (batch.empty()) inbox.wait(Duration(20));
    }
    return values;
  }

  // Effect: the values from the partition's start up to the first end that a reader is told of.
  std::vector<std::string> read_to_stable_end(Log& log, const TopicPartition& where) {
    const auto reader = log.make_reader({}, inbox);
    const ReaderPartition index = reader->start(where, Offset(0));
    std::vector<std::string> values;
    RecordBatch batch;
    const Duration until = SystemClock::instance().monotonic() + Duration(60'000);
    while (SystemClock::instance().monotonic() < until) {
      reader->drain(index, 1000, batch);
      for (const RecordView& record : batch) values.emplace_back(record.value.value_or("(null)"));
      for (Event event; inbox.pop(event);) {
        const bool mine = event.epoch == reader->epoch();
        if (mine && std::holds_alternative<EndReached>(event.what)) return values;
      }
      inbox.wait(Duration(20));
    }
    throw std::runtime_error("no end");
  }

  Inbox inbox;
  std::vector<Event> unasked;

 private:
  std::map<OperationId, Event> answers_;
  std::int64_t last_id_ = 0;
};

}  // namespace millrace::log
