// One partition's records in a task: what is dropped, what the partition's time is, where reading
// goes on, and that an abort takes all of it back.
#include "task/record_queue.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace millrace::task {
namespace {

// Notes what is processed. Value "null" and key "null" are dropped, "throw" throws, and a number
// after '@' is the record's time.
class NotingSlot final : public graph::SourceSlot {
 public:
  explicit NotingSlot(std::vector<std::string>& processed) : processed_(processed) {}

  Decoded decode(const RecordView& record, RecordContext& context,
                 Timestamp partition_time) override {
    value_ = record.value.value_or("");
    if (record.key == "null") return Decoded::kNullKey;
    if (value_ == "null") return Decoded::kNullValue;
    if (value_ == "throw") throw std::runtime_error("cannot decode");
    if (value_ == "partition-time") context.timestamp = partition_time;
    return Decoded::kReady;
  }
  void process(const RecordContext& context) override {
    if (value_ == "fail") throw std::runtime_error("cannot process");
    processed_.push_back(value_ + "@" + std::to_string(to_ms(context.timestamp)));
  }

 private:
  std::vector<std::string>& processed_;
  std::string value_;
};

class RecordQueueTest : public ::testing::Test {
 protected:
  RecordQueueTest() : queue({"in", Partition(2)}, Offset(10), memory) {
    for (const char* reason : {"key", "value", "time"})
      slots.push_back(memory.add(std::string("drop/") + reason, state::Persisted::kNo));
    for (const state::MemorySlot slot : slots) memory.set(slot, 0);
    attach();
    memory.commit();
  }
  void attach() {
    queue.attach(std::make_unique<NotingSlot>(processed), {memory, slots[0]}, {memory, slots[1]},
                 {memory, slots[2]});
  }
  void add(const std::string& value, std::int64_t at = 1, const char* key = "k") {
    RecordView record{};
    record.key = BytesView(key);
    record.value = value;
    record.timestamp = from_ms(at);
    record.offset = Offset(next_offset);
    next_offset += 1;
    queue.add(record);
  }
  std::int64_t dropped(std::size_t reason) { return memory[slots[reason]]; }
  void commit() {
    queue.commit();
    memory.commit();
  }
  void abort() {
    queue.detach();
    memory.abort();
    queue.abort();
    attach();
  }

  state::TaskMemory memory;
  RecordQueue queue;
  std::vector<state::MemorySlot> slots;
  std::vector<std::string> processed;
  std::int64_t next_offset = 10;
};

TEST_F(RecordQueueTest, TakesInOrderAndSaysWhereToGoOn) {
  EXPECT_EQ(queue.head(), std::nullopt);
  EXPECT_EQ(queue.next_offset(), Offset(10));
  add("a", 5);
  add("b", 3);
  EXPECT_EQ(queue.next_offset(), Offset(10)) << "nothing is taken";
  EXPECT_EQ(queue.head(), from_ms(5));
  EXPECT_EQ(queue.next_offset(), Offset(10)) << "a head is not taken";
  queue.process();
  EXPECT_EQ(queue.next_offset(), Offset(11));
  EXPECT_EQ(queue.head(), from_ms(3));
  queue.process();
  EXPECT_EQ(queue.next_offset(), Offset(12));
  EXPECT_EQ(queue.partition_time(), 5);
  EXPECT_EQ(processed, (std::vector<std::string>{"a@5", "b@3"}));
}

TEST_F(RecordQueueTest, OffsetsWithGapsGoOnBehindTheLastTaken) {
  add("a");
  next_offset = 20;  // markers and aborted records lie between
  add("b");
  queue.head();
  queue.process();
  EXPECT_EQ(queue.next_offset(), Offset(11));
  commit();
  EXPECT_EQ(queue.next_offset(), Offset(11));
  EXPECT_FALSE(queue.has_progress());
  queue.head();
  queue.process();
  EXPECT_EQ(queue.next_offset(), Offset(21));
  abort();
  EXPECT_EQ(queue.next_offset(), Offset(11));
  queue.head();
  queue.process();
  commit();
  EXPECT_EQ(queue.next_offset(), Offset(21));
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST_F(RecordQueueTest, WhatCannotBeProcessedIsTakenAndCounted) {
  add("x", 1, "null");
  add("null");
  add("a", -7);
  add("b", 4);
  EXPECT_EQ(queue.head(), from_ms(4));
  EXPECT_EQ(queue.taken(), 3u);
  EXPECT_TRUE(queue.has_progress());
  EXPECT_EQ(queue.next_offset(), Offset(13));
  for (std::size_t reason = 0; reason < 3; ++reason) EXPECT_EQ(dropped(reason), 1);
  EXPECT_EQ(queue.partition_time(), state::TaskMemory::kUnknown) << "dropped records have no time";
  EXPECT_EQ(queue.context().offset, Offset(13));
}

TEST_F(RecordQueueTest, DropsAtTheEndAreProgressToo) {
  add("x", 1, "null");
  EXPECT_EQ(queue.head(), std::nullopt);
  EXPECT_EQ(queue.next_offset(), Offset(11));
  commit();
  EXPECT_FALSE(queue.has_progress());
  EXPECT_EQ(queue.next_offset(), Offset(11));
}

TEST_F(RecordQueueTest, AnAbortTakesDropsAndTimesBack) {
  add("a", 9);
  queue.head();
  queue.process();
  commit();
  add("x", 1, "null");
  add("b", 12);
  add("partition-time");
  while (queue.head()) queue.process();
  EXPECT_EQ(queue.partition_time(), 12);
  EXPECT_EQ(processed.back(), "partition-time@12");
  abort();
  EXPECT_EQ(queue.partition_time(), 9);
  EXPECT_EQ(dropped(0), 0);
  EXPECT_EQ(queue.waiting(), 3u);
  processed.clear();
  while (queue.head()) queue.process();
  EXPECT_EQ(processed, (std::vector<std::string>{"b@12", "partition-time@12"}));
  EXPECT_EQ(dropped(0), 1);
}

TEST_F(RecordQueueTest, TheHeadThatWasDecodedBeforeAnAbortIsDecodedAgain) {
  add("partition-time");
  queue.load_partition_time(3);
  memory.commit();
  EXPECT_EQ(queue.head(), from_ms(3));
  abort();
  queue.load_partition_time(8);
  EXPECT_EQ(queue.head(), from_ms(8));
}

TEST_F(RecordQueueTest, ARecordThatCannotBeDecodedStays) {
  add("a");
  add("throw");
  queue.head();
  queue.process();
  EXPECT_THROW(queue.head(), std::runtime_error);
  EXPECT_EQ(queue.context().offset, Offset(11));
  EXPECT_EQ(queue.next_offset(), Offset(11));
  EXPECT_THROW(queue.head(), std::runtime_error) << "also when asked again";
}

TEST_F(RecordQueueTest, ARecordThatCannotBeProcessedIsNamedAndComesBack) {
  add("fail", 6);
  queue.head();
  EXPECT_THROW(queue.process(), std::runtime_error);
  EXPECT_EQ(queue.context().offset, Offset(10));
  abort();
  EXPECT_EQ(queue.next_offset(), Offset(10));
  EXPECT_EQ(queue.partition_time(), state::TaskMemory::kUnknown);
  EXPECT_EQ(queue.head(), from_ms(6));
}

TEST_F(RecordQueueTest, RecordsThatArriveDuringATransactionChangeNothingOfIt) {
  add("a");
  queue.head();
  queue.process();
  EXPECT_EQ(queue.next_offset(), Offset(11));
  add("b");
  EXPECT_EQ(queue.next_offset(), Offset(11));
  commit();
  EXPECT_EQ(queue.next_offset(), Offset(11));
  EXPECT_EQ(queue.waiting(), 1u);
}

TEST_F(RecordQueueTest, APartitionTimeIsNeverLowered) {
  queue.load_partition_time(100);
  add("a", 5);
  queue.head();
  queue.process();
  EXPECT_EQ(queue.partition_time(), 100);
}

}  // namespace
}  // namespace millrace::task
