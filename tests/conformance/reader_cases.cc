// Reading: positions, ends, starts at any offset, stops.
#include "conformance/log_conformance.h"

namespace millrace::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(LogConformance, TheEndOfAnEmptyPartitionIsReached) {
  // A partition without records ends at 0, and the reader says so.
  Tail& in = read(partition());
  EXPECT_EQ(in.until_end(), Offset(0));
  EXPECT_EQ(in.position(), Offset(0));
}

TEST_P(LogConformance, TheEndIsReachedBehindMarkersAlone) {
  // Aborted records and markers are passed without a record: the end is behind them.
  const TopicPartition where = partition();
  Writer& out = writer();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(out.begin().ok());
    out.send(where, "aborted");
    ASSERT_TRUE(out.flush().ok());
    ASSERT_TRUE(out.abort().ok());
  }
  wait_until("the markers", [&] { return list_offset(OffsetKind::kEnd, where) == Offset(4); });
  Tail& in = read(where);
  in.until_position(Offset(4));
  EXPECT_EQ(in.until_end(), Offset(4));
  EXPECT_THAT(in.rows, IsEmpty());
}

TEST_P(LogConformance, TheEndIsReachedAgainAfterNewRecords) {
  // Every time new records were read the end comes again.
  const TopicPartition where = partition();
  Writer& out = writer();
  Tail& in = read(where);
  EXPECT_EQ(in.until_end(), Offset(0));
  for (int i = 1; i <= 3; ++i) {
    const std::size_t ends = in.ends.size();
    out.commit_values(where, {"a"});
    in.until_rows(static_cast<std::size_t>(i));
    wait_until("another end", [&] { return in.ends.size() > ends && in.caught_up(); });
    in.until_position(Offset(2 * i));
  }
}

TEST_P(LogConformance, ThePositionPassesAnAbortedTail) {
  // Behind the last record the position goes on over markers and aborted records: restore ends by
  // it.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"a"});
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "aborted");
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.abort().ok());
  const Offset end = list_offset(OffsetKind::kEnd, where);
  EXPECT_GE(end, Offset(3));
  Tail& in = read(where);
  in.until_position(end);
  EXPECT_THAT(in.values(), ElementsAre("a"));
}

TEST_P(LogConformance, CaughtUpIsFalseUntilTheEndIsKnown) {
  // A reader that has not reached the end does not claim to have caught up.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"a", "b", "c"});
  wait_until("the marker", [&] { return list_offset(OffsetKind::kEnd, where) == Offset(4); });
  Tail& in = read(where);
  EXPECT_FALSE(in.caught_up());
  in.until_rows(3);
  in.until_position(Offset(4));
  in.until_end();
  EXPECT_TRUE(in.caught_up());
  // What arrives and is not drained ends it.
  in.batch = 0;
  out.commit_values(where, {"d"});
  wait_until("news", [&] { return !in.caught_up(); });
  in.batch = 1000;
  in.until_rows(4);
  in.until_end();
}

TEST_P(LogConformance, AReaderStartsAtAnyOffset) {
  // From each offset on, those of markers included, the reader shows what stands at or behind it.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"0", "1"});  // marker at 2
  out.commit_values(where, {"3"});       // marker at 4
  wait_until("the markers", [&] { return list_offset(OffsetKind::kEnd, where) == Offset(5); });
  const std::vector<std::vector<std::string>> expected = {{"0", "1", "3"}, {"1", "3"}, {"3"},
                                                          {"3"},           {},         {}};
  const std::shared_ptr<LogReader> shared = reader();
  for (std::size_t from = 0; from < expected.size(); ++from) {
    Tail& in = read_with(shared, where, Offset(static_cast<std::int64_t>(from)));
    in.until_position(Offset(5));
    EXPECT_EQ(in.until_end(), Offset(5));
    EXPECT_EQ(in.values(), expected[from]) << "from " << from;
    in.stop();
  }
}

TEST_P(LogConformance, StopDropsWhatWasFetched) {
  // After stop() a reader may start again elsewhere and sees exactly what stands there, once.
  const TopicPartition where = partition();
  Writer& out = writer();
  std::vector<std::string> values;
  for (int i = 0; i < 2000; ++i) values.push_back(std::to_string(i));
  out.commit_values(where, values);
  const std::shared_ptr<LogReader> shared = reader();
  for (const std::int64_t from : {0, 1000, 10}) {
    Tail& in = read_with(shared, where, Offset(from));
    in.batch = 7;
    in.until_rows(7);
    EXPECT_EQ(in.rows[0].offset, Offset(from));
    in.stop();
  }
  Tail& in = read_with(shared, where, Offset(500));
  in.until_rows(1500);
  for (std::size_t i = 0; i < 1500; ++i)
    ASSERT_EQ(in.rows[i].offset, Offset(static_cast<std::int64_t>(500 + i)));
}

TEST_P(LogConformance, AStoppedReaderIsSilent) {
  // Behind stop() a partition causes no events, whatever is written.
  const TopicPartition where = partition();
  Writer& out = writer();
  const std::shared_ptr<LogReader> shared = reader();
  const ReaderPartition index = shared->start(where, Offset(0));
  RecordBatch batch;
  wait_until("the end", [&] {
    shared->drain(index, 10, batch);
    return shared->caught_up(index);
  });
  shared->stop(index);
  pass(Duration(0));
  unclaimed.clear();
  out.commit_values(where, {"a"});
  pass(Duration(200));
  EXPECT_THAT(unclaimed, IsEmpty());
}

TEST_P(LogConformance, IndexesOfPartitionsAreNotUsedAgain) {
  // An index belongs to one start(), so that an event which comes late is never taken for
  // another's.
  const TopicPartition where = partition();
  const std::shared_ptr<LogReader> shared = reader();
  const ReaderPartition first = shared->start(where, Offset(0));
  shared->stop(first);
  const ReaderPartition second = shared->start(where, Offset(0));
  EXPECT_NE(first, second);
  shared->stop(second);
}

TEST_P(LogConformance, ADrainTakesNoMoreThanAsked) {
  // drain() moves at most `max` records, in order, and leaves the others.
  const TopicPartition where = partition();
  Writer& out = writer();
  std::vector<std::string> values;
  for (int i = 0; i < 20; ++i) values.push_back(std::to_string(i));
  out.commit_values(where, values);
  const std::shared_ptr<LogReader> shared = reader();
  const ReaderPartition index = shared->start(where, Offset(0));
  RecordBatch batch;
  std::vector<std::string> seen;
  wait_until("all records", [&] {
    shared->drain(index, 3, batch);
    EXPECT_LE(batch.size(), 3u);
    for (const RecordView& record : batch) seen.emplace_back(*record.value);
    return seen.size() >= 20;
  });
  EXPECT_EQ(seen, values);
}

TEST_P(LogConformance, ABatchOutlivesItsReader) {
  // The bytes of a batch are valid until it is drained into again, also after stop() and the
  // reader's end.
  const TopicPartition where = partition();
  Writer& out = writer();
  const Headers headers{{"name", "value"}};
  ASSERT_TRUE(out.begin().ok());
  out.send(where, {.key = BytesView("k"),
                   .value = BytesView("v"),
                   .timestamp = from_ms(1),
                   .headers = &headers});
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  std::shared_ptr<LogReader> shared = reader();
  const ReaderPartition index = shared->start(where, Offset(0));
  RecordBatch batch;
  wait_until("the record", [&] {
    shared->drain(index, 10, batch);
    return !batch.empty();
  });
  shared->stop(index);
  shared.reset();
  pass(Duration(100));
  EXPECT_EQ(batch[0].key, BytesView("k"));
  EXPECT_EQ(batch[0].value, BytesView("v"));
  EXPECT_EQ(*batch[0].headers, headers);
}

TEST_P(LogConformance, OneReaderReadsManyPartitionsApart) {
  // Partitions of one reader are drained each for itself; one that is not drained holds up no
  // other.
  const std::string name = topic(3);
  Writer& out = writer();
  for (int p = 0; p < 3; ++p) out.commit_values({name, Partition(p)}, {"p" + std::to_string(p)});
  const std::shared_ptr<LogReader> shared = reader();
  Tail& held = read_with(shared, {name, Partition(0)}, Offset(0));
  held.batch = 0;
  Tail& one = read_with(shared, {name, Partition(1)}, Offset(0));
  Tail& two = read_with(shared, {name, Partition(2)}, Offset(0));
  one.until_rows(1);
  two.until_rows(1);
  EXPECT_THAT(one.values(), ElementsAre("p1"));
  EXPECT_THAT(two.values(), ElementsAre("p2"));
  EXPECT_THAT(held.rows, IsEmpty());
  held.batch = 10;
  held.until_rows(1);
  EXPECT_THAT(held.values(), ElementsAre("p0"));
}

TEST_P(LogConformance, AStartBeyondTheEndIsRefused) {
  // An offset that the log has not reached is OffsetOutOfRange, never a reset.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"a"});
  Tail& in = read(where, Offset(100));
  wait_until("the refusal", [&] { return in.out_of_range.has_value(); });
  EXPECT_EQ(*in.out_of_range, Offset(100));
  out.commit_values(where, {"b"});
  EXPECT_THAT(in.after(Duration(200)), IsEmpty());
}

TEST_P(LogConformance, AMissingTopicCannotBeRead) {
  // No such topic: ReadFailed, once.
  Tail& in = read({unique("missing"), Partition(0)});
  wait_until("the failure", [&] { return in.failed.has_value(); });
  EXPECT_FALSE(in.failed->ok());
  EXPECT_THAT(in.rows, IsEmpty());
}

TEST_P(LogConformance, AMissingPartitionCannotBeRead) {
  // A partition that the topic does not have: ReadFailed.
  Tail& in = read({topic(2), Partition(2)});
  wait_until("the failure", [&] { return in.failed.has_value(); });
  EXPECT_FALSE(in.failed->ok());
}

TEST_P(LogConformance, EpochsAreUnique) {
  // Every producer, reader, admin and membership has an epoch of its own, also in the same place
  // again.
  std::vector<Epoch> epochs;
  for (int i = 0; i < 2; ++i) {
    epochs.push_back(
        under().log().make_producer({.transactional_id = unique("p")}, inbox())->epoch());
    epochs.push_back(reader()->epoch());
    epochs.push_back(under().log().make_admin(inbox())->epoch());
    epochs.push_back(under().log().make_membership({.group = unique("g")}, inbox())->epoch());
  }
  std::sort(epochs.begin(), epochs.end());
  EXPECT_EQ(std::adjacent_find(epochs.begin(), epochs.end()), epochs.end());
}

TEST_P(LogConformance, AStartBehindAnOpenTransactionWaitsForIt) {
  // A committed reader may start behind the last stable offset: it waits, and then begins there.
  const TopicPartition where = partition();
  Writer& open = writer();
  ASSERT_TRUE(open.begin().ok());
  open.send(where, "0");
  open.send(where, "1");
  ASSERT_TRUE(open.flush().ok());
  writer().commit_values(where, {"2"});
  Tail& in = read(where, Offset(2));
  EXPECT_THAT(in.after(Duration(300)), IsEmpty());
  EXPECT_FALSE(in.out_of_range.has_value());
  ASSERT_TRUE(open.abort().ok());
  in.until_rows(1);
  EXPECT_EQ(in.rows[0].offset, Offset(2));
  in.until_position(Offset(5));
}

TEST_P(LogConformance, PositionsOfAReadingDoNotDependOnAnEarlierOne) {
  // Started again lower, a partition's position is what this start() said, not where it was before.
  const TopicPartition where = partition();
  writer().commit_values(where, {"0", "1", "2"});
  const std::shared_ptr<LogReader> shared = reader();
  Tail& first = read_with(shared, where, Offset(0));
  first.until_position(Offset(4));
  first.stop();
  Tail& second = read_with(shared, where, Offset(1));
  second.batch = 0;
  EXPECT_EQ(second.position(), Offset(1));
  EXPECT_FALSE(second.caught_up());
  second.batch = 1;
  second.until_rows(2);
  EXPECT_THAT(second.values(), ElementsAre("1", "2"));
}

}  // namespace
}  // namespace millrace::conformance
