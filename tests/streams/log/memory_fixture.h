// What tests of the memory log share: one worker's inbox, and short words for its operations.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "log/inbox.h"
#include "log/memory/memory_log.h"

namespace millrace::log::memory {

using namespace std::chrono_literals;

// A record whose text lives as long as the expression that sends it.
inline OutgoingRecord text(std::string_view key, std::string_view value,
                           Timestamp at = from_ms(1)) {
  return {.key = key, .value = value, .timestamp = at};
}

// The values of records, one after the other: "a b c".
inline std::string values(const std::vector<StoredRecord>& records) {
  std::string all;
  for (const StoredRecord& record : records) {
    if (!all.empty()) all += ' ';
    all += record.value.value_or("null");
  }
  return all;
}

// One worker's end of a log: its inbox, and operations that are waited for by stepping.
class Client {
 public:
  explicit Client(MemoryLog& log) : log_(log) {}

  MemoryLog& log() { return log_; }
  Inbox& inbox() { return inbox_; }
  OperationId next_id() { return ++last_id_; }

  // Effect: steps until the operation is answered. What else came is kept in others().
  Event await(OperationId id) {
    for (;;) {
      Event event;
      while (inbox_.pop(event)) {
        if (event.operation == id) return event;
        others_.push_back(std::move(event));
      }
      if (!log_.step()) {
        ADD_FAILURE() << "operation " << id.value() << " is never answered";
        return {};
      }
    }
  }

  // Effect: steps until nothing is due; returns everything that came since the last call.
  std::vector<Event> settle() {
    log_.settle();
    Event event;
    while (inbox_.pop(event)) others_.push_back(std::move(event));
    return std::exchange(others_, {});
  }
  std::vector<Event>& others() { return others_; }

  std::unique_ptr<LogProducer> new_producer(std::string id, Duration timeout = 10s) {
    return log_.make_producer({std::move(id), timeout}, inbox_);
  }
  std::unique_ptr<LogProducer> producer(std::string id, Duration timeout = 10s) {
    auto made = new_producer(std::move(id), timeout);
    EXPECT_TRUE(init(*made).ok());
    return made;
  }
  Status init(LogProducer& producer) {
    const OperationId id = next_id();
    producer.submit_init(id);
    return await(id).status;
  }
  void send(LogProducer& producer, std::string_view topic, int partition, std::string_view value) {
    const SendResult sent =
        producer.send(producer.topic(topic), Partition(partition), text("k", value));
    EXPECT_EQ(sent, SendResult::kSent);
  }
  Event flush_event(LogProducer& producer) {
    const OperationId id = next_id();
    producer.submit_flush(id);
    return await(id);
  }
  Status flush(LogProducer& producer) { return flush_event(producer).status; }
  Status commit(LogProducer& producer, std::vector<OffsetToCommit> offsets = {},
                FencingToken token = {.group = "g"}) {
    const OperationId id = next_id();
    producer.submit_commit(id, std::move(offsets), std::move(token));
    return await(id).status;
  }
  Status flush_and_commit(LogProducer& producer, std::vector<OffsetToCommit> offsets = {},
                          FencingToken token = {.group = "g"}) {
    const Status flushed = flush(producer);
    return flushed.ok() ? commit(producer, std::move(offsets), std::move(token)) : flushed;
  }
  Status abort(LogProducer& producer) {
    const OperationId id = next_id();
    producer.submit_abort(id);
    return await(id).status;
  }
  // Effect: one transaction with these values, committed or aborted.
  void transaction(LogProducer& producer, std::string_view topic, int partition,
                   const std::vector<std::string>& sent, bool committed) {
    ASSERT_TRUE(producer.begin().ok());
    for (const std::string& value : sent) send(producer, topic, partition, value);
    ASSERT_TRUE(flush(producer).ok());
    ASSERT_TRUE((committed ? commit(producer) : abort(producer)).ok());
  }

 private:
  MemoryLog& log_;
  Inbox inbox_;
  OperationId last_id_{0};
  std::vector<Event> others_;
};

// The events of one kind among others, in their order.
template <class What>
std::vector<What> only(const std::vector<Event>& events) {
  std::vector<What> found;
  for (const Event& event : events) {
    if (const What* what = std::get_if<What>(&event.what)) found.push_back(*what);
  }
  return found;
}

// A plain log with a topic "t" of two partitions, and one client.
class MemoryLogTest : public ::testing::Test {
 protected:
  MemoryLogTest() { log.create_topic({"t", 2, {}}); }

  std::string committed(int partition = 0) {
    return values(log.read_all("t", Partition(partition), Isolation::kReadCommitted));
  }
  std::string uncommitted(int partition = 0) {
    return values(log.read_all("t", Partition(partition), Isolation::kReadUncommitted));
  }

  ManualClock clock{from_ms(1'000'000)};
  MemoryLog log{clock};
  Client client{log};
};

}  // namespace millrace::log::memory
