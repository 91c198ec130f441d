// Readers of the memory log: arrival, ends, positions and what makes one stand still.
#include "streams/log/memory_fixture.h"

namespace millrace::log::memory {
namespace {

class MemoryReaderTest : public MemoryLogTest {
 protected:
  void append(std::string_view value) {
    ASSERT_TRUE(log.append("t", Partition(0), text("k", value)).ok());
  }

  std::string drain(LogReader& from, ReaderPartition partition, std::size_t max = 1000) {
    from.drain(partition, max, batch);
    std::string all;
    for (const RecordView& record : batch) {
      if (!all.empty()) all += ' ';
      all += record.value.value_or("null");
    }
    return all;
  }

  RecordBatch batch;
  std::unique_ptr<LogReader> reader = log.make_reader({}, client.inbox());
};

TEST_F(MemoryReaderTest, RecordsArriveInAStepAndInOrder) {
  // Property: nothing arrives but in step(); a drain takes at most what it asks for, in order.
  for (const char* v : {"a", "b", "c"}) append(v);
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(0));
  EXPECT_EQ(drain(*reader, p), "");
  EXPECT_FALSE(reader->caught_up(p));
  log.settle();
  EXPECT_EQ(drain(*reader, p, 2), "a b");
  EXPECT_EQ(reader->position(p), Offset(2));
  append("d");
  EXPECT_EQ(drain(*reader, p), "c") << "d has not arrived";
  log.settle();
  EXPECT_EQ(drain(*reader, p), "d");
}

TEST_F(MemoryReaderTest, TheEndIsReportedOnceAfterEverythingWasDrained) {
  // Property: EndReached comes when all was drained, once, and again after new data; caught_up() is
  // true from then until something arrives.
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(0));
  auto ends = only<EndReached>(client.settle());
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].offset, Offset(0));
  EXPECT_TRUE(reader->caught_up(p));

  append("a");
  append("b");
  EXPECT_EQ(client.settle().size(), 0u);
  EXPECT_FALSE(reader->caught_up(p));
  EXPECT_EQ(drain(*reader, p, 1), "a");
  EXPECT_EQ(client.settle().size(), 0u);
  EXPECT_EQ(drain(*reader, p, 1), "b");
  EXPECT_FALSE(reader->caught_up(p)) << "nobody has asked the log again";
  ends = only<EndReached>(client.settle());
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].offset, Offset(2));
  EXPECT_TRUE(reader->caught_up(p));
  EXPECT_EQ(client.settle().size(), 0u);
}

TEST_F(MemoryReaderTest, PositionsPassMarkersAndAbortedRecords) {
  // Property: markers and aborted records at the tail move the position and the end without a
  // drain.
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(0));
  auto producer = client.producer("p");
  client.transaction(*producer, "t", 0, {"a"}, true);
  client.transaction(*producer, "t", 0, {"x", "y"}, false);
  client.settle();
  EXPECT_EQ(drain(*reader, p), "a");
  EXPECT_EQ(reader->position(p), Offset(5));
  client.settle();
  client.transaction(*producer, "t", 0, {"z"}, false);
  const auto ends = only<EndReached>(client.settle());
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].offset, Offset(7));
  EXPECT_EQ(reader->position(p), Offset(7));
  EXPECT_TRUE(reader->caught_up(p));
}

TEST_F(MemoryReaderTest, ReadCommittedStopsAtTheLastStableOffset) {
  // Property: under read_committed the end is the last stable offset, and a new end follows the
  // commit; read_uncommitted reads open records.
  auto all = log.make_reader({Isolation::kReadUncommitted}, client.inbox());
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(0));
  const ReaderPartition q = all->start({"t", Partition(0)}, Offset(0));
  append("before");
  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "t", 0, "open");
  ASSERT_TRUE(client.flush(*producer).ok());
  append("behind");
  client.settle();
  EXPECT_EQ(drain(*reader, p), "before");
  EXPECT_EQ(drain(*all, q), "before open behind");
  for (const Event& event : client.settle()) {
    EXPECT_EQ(std::get<EndReached>(event.what).offset,
              event.epoch == reader->epoch() ? Offset(1) : Offset(3));
  }
  ASSERT_TRUE(client.commit(*producer).ok());
  client.settle();
  EXPECT_EQ(drain(*reader, p), "open behind");
  EXPECT_EQ(reader->position(p), Offset(4));
}

TEST_F(MemoryReaderTest, AStartAboveTheLastStableOffsetIsAnEnd) {
  // Property: behind an open record a read_committed reader stands at an end, told once, whatever
  // is written meanwhile; the commit lets it go on.
  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "t", 0, "open");
  ASSERT_TRUE(client.flush(*producer).ok());
  append("behind");
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(1));
  const auto ends = only<EndReached>(client.settle());
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].offset, Offset(1));
  for (int i = 0; i < 3; ++i) {
    append("x");
    EXPECT_EQ(client.settle().size(), 0u);
  }
  EXPECT_EQ(drain(*reader, p), "");
  ASSERT_TRUE(client.commit(*producer).ok());
  client.settle();
  EXPECT_EQ(reader->position(p), Offset(1));
  EXPECT_EQ(drain(*reader, p), "behind x x x");
}

TEST_F(MemoryReaderTest, OffsetsThatAreNotInTheLogAreNeverReset) {
  // Property: an offset below the start or behind the end is reported, and the reader stands still.
  append("a");
  append("b");
  const ReaderPartition behind = reader->start({"t", Partition(0)}, Offset(3));
  auto out = only<OffsetOutOfRange>(client.settle());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].requested, Offset(3));
  append("c");
  append("d");
  EXPECT_EQ(client.settle().size(), 0u);
  EXPECT_EQ(drain(*reader, behind), "");
  reader->stop(behind);

  auto admin = log.make_admin(client.inbox());
  const OperationId id = client.next_id();
  admin->submit_delete_records(id, {{{"t", Partition(0)}, Offset(2)}});
  EXPECT_TRUE(client.await(id).status.ok());
  reader->start({"t", Partition(0)}, Offset(1));
  out = only<OffsetOutOfRange>(client.settle());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].requested, Offset(1));
}

TEST_F(MemoryReaderTest, RecordsDeletedUnderAReaderAreReportedNotSkipped) {
  // Property: a reader whose next record was deleted says so; it does not jump over the gap,
  // whether the record had arrived or not.
  for (const char* v : {"a", "b", "c", "d"}) append(v);
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(0));
  log.settle();
  EXPECT_EQ(drain(*reader, p, 1), "a");
  auto admin = log.make_admin(client.inbox());
  admin->submit_delete_records(client.next_id(), {{{"t", Partition(0)}, Offset(3)}});
  log.settle();
  EXPECT_EQ(drain(*reader, p), "");
  const auto out = only<OffsetOutOfRange>(client.settle());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].requested, Offset(1));
}

TEST_F(MemoryReaderTest, MissingTopicsAndPartitionsAreReported) {
  // Property: no such topic, no such partition, and a topic deleted while it is read give
  // ReadFailed.
  const ReaderPartition a = reader->start({"missing", Partition(0)}, Offset(0));
  const ReaderPartition b = reader->start({"t", Partition(2)}, Offset(0));
  const ReaderPartition c = reader->start({"t", Partition(1)}, Offset(0));
  auto failed = only<ReadFailed>(client.settle());
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0].partition, a);
  EXPECT_EQ(failed[1].partition, b);
  auto admin = log.make_admin(client.inbox());
  admin->submit_delete_topics(client.next_id(), {"t"});
  failed = only<ReadFailed>(client.settle());
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].partition, c);
  EXPECT_FALSE(reader->caught_up(c));
}

TEST_F(MemoryReaderTest, IndexesAreNotUsedAgain) {
  // Property: a stopped partition may be started again under another index, from another offset.
  append("a");
  append("b");
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(0));
  log.settle();
  reader->stop(p);
  const ReaderPartition q = reader->start({"t", Partition(0)}, Offset(1));
  EXPECT_NE(p, q);
  log.settle();
  EXPECT_EQ(drain(*reader, q), "b");
}

TEST_F(MemoryReaderTest, ViewsLiveAsLongAsTheirBatch) {
  // Property: what a batch shows stays valid while records are appended, deleted, compacted, and
  // the topic is removed.
  append("kept");
  const ReaderPartition p = reader->start({"t", Partition(0)}, Offset(0));
  log.settle();
  EXPECT_EQ(drain(*reader, p), "kept");
  for (int i = 0; i < 20'000; ++i) append("more");
  log.compact("t", Partition(0));
  auto admin = log.make_admin(client.inbox());
  admin->submit_delete_records(client.next_id(), {{{"t", Partition(0)}, Offset(20'000)}});
  admin->submit_delete_topics(client.next_id(), {"t"});
  log.settle();
  reader.reset();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].value, "kept");
}

TEST_F(MemoryReaderTest, DestroyedReadersSendNothing) {
  // Property: a reader that is gone causes no event any more.
  reader->start({"t", Partition(0)}, Offset(0));
  reader.reset();
  append("a");
  EXPECT_EQ(client.settle().size(), 0u);
}

}  // namespace
}  // namespace millrace::log::memory
