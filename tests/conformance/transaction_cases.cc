// Transactions: what is visible, to whom, when; markers; who is fenced.
#include "conformance/log_conformance.h"

namespace millrace::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(LogConformance, RecordsOfAPartitionKeepTheirOrder) {
  // Records are read in the order of sending, at growing offsets, over several transactions.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"a", "b", "c"});
  out.commit_values(where, {"d"});
  Tail& in = read(where);
  in.until_rows(4);
  EXPECT_THAT(in.values(), ElementsAre("a", "b", "c", "d"));
  for (std::size_t i = 1; i < in.rows.size(); ++i)
    EXPECT_LT(in.rows[i - 1].offset, in.rows[i].offset);
}

TEST_P(LogConformance, CommitMarkersTakeOffsets) {
  // A commit writes one marker to each partition it touched, which takes an offset of its own.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"a", "b"});
  out.commit_values(where, {"c"});
  Tail& in = read(where);
  in.until_rows(3);
  EXPECT_EQ(in.rows[0].offset, Offset(0));
  EXPECT_EQ(in.rows[1].offset, Offset(1));
  EXPECT_EQ(in.rows[2].offset, Offset(3));
  in.until_position(Offset(5));
  EXPECT_EQ(list_offset(OffsetKind::kEnd, where), Offset(5));
}

TEST_P(LogConformance, AbortMarkersTakeOffsets) {
  // An abort writes a marker too.
  const TopicPartition where = partition();
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "lost");
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.abort().ok());
  out.commit_values(where, {"kept"});
  Tail& in = read(where);
  in.until_rows(1);
  EXPECT_EQ(in.rows[0].offset, Offset(2));
}

TEST_P(LogConformance, NothingBehindAnOpenTransactionIsVisibleToCommittedReaders) {
  // The last stable offset holds back whatever stands behind the first open transaction.
  const TopicPartition where = partition();
  Writer& open = writer();
  Writer& quick = writer();
  ASSERT_TRUE(open.begin().ok());
  open.send(where, "open");
  ASSERT_TRUE(open.flush().ok());
  quick.commit_values(where, {"committed behind it"});

  Tail& committed = read(where);
  EXPECT_EQ(committed.until_end(), Offset(0));
  EXPECT_THAT(committed.after(Duration(300)), IsEmpty());
  Tail& uncommitted = read(where, Offset(0), Isolation::kReadUncommitted);
  uncommitted.until_rows(2);
  EXPECT_THAT(uncommitted.values(), ElementsAre("open", "committed behind it"));

  ASSERT_TRUE(open.commit().ok());
  committed.until_rows(2);
  EXPECT_THAT(committed.values(), ElementsAre("open", "committed behind it"));
}

TEST_P(LogConformance, TheEndCountsOpenTransactions) {
  // kEnd stands behind everything written, committed or not: the only safe target of a restore.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"a"});
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "b");
  out.send(where, "c");
  ASSERT_TRUE(out.flush().ok());
  EXPECT_EQ(list_offset(OffsetKind::kEnd, where), Offset(4));
  ASSERT_TRUE(out.abort().ok());
}

TEST_P(LogConformance, AbortedRecordsAreInvisibleToCommittedReadersOnly) {
  // An aborted record stays in the log: uncommitted readers see it, committed readers never do.
  const TopicPartition where = partition();
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "aborted");
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.abort().ok());
  out.commit_values(where, {"committed"});
  EXPECT_THAT(all(where), ElementsAre("committed"));
  EXPECT_THAT(all(where, Isolation::kReadUncommitted), ElementsAre("aborted", "committed"));
}

TEST_P(LogConformance, ATransactionIsAtomicOverPartitionsAndTopics) {
  // All partitions of all topics of a transaction become visible with its commit, or none does.
  const std::string one = topic(3);
  const TopicPartition places[] = {
      {one, Partition(0)}, {one, Partition(2)}, {topic(), Partition(0)}};
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  for (const TopicPartition& where : places) out.send(where, "aborted");
  ASSERT_TRUE(out.flush().ok());
  for (const TopicPartition& where : places) EXPECT_EQ(read(where).until_end(), Offset(0));
  ASSERT_TRUE(out.abort().ok());
  ASSERT_TRUE(out.begin().ok());
  for (const TopicPartition& where : places) out.send(where, "committed");
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  for (const TopicPartition& where : places) {
    Tail& in = read(where);
    in.until_position(Offset(4));
    EXPECT_THAT(in.values(), ElementsAre("committed"));
  }
}

TEST_P(LogConformance, OffsetsAreCommittedWithTheTransaction) {
  // Offsets with their metadata become the group's with the commit, and not before.
  const TopicPartition where = partition();
  const std::string group = unique("group");
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "a");
  ASSERT_TRUE(out.flush().ok());
  EXPECT_EQ(committed(group, where).offset, kNoOffset);
  ASSERT_TRUE(out.commit({{where, Offset(7), "memory of the task"}}, {.group = group}).ok());
  const CommittedOffset found = stable(group, where);
  EXPECT_EQ(found.offset, Offset(7));
  EXPECT_EQ(found.metadata, "memory of the task");
}

TEST_P(LogConformance, ASecondProducerOfTheSameIdFencesTheFirst) {
  // init ends the transaction that an earlier producer of the id left open, and that one is dead.
  const TopicPartition where = partition();
  const std::string id = unique("producer");
  Writer& first = writer(id);
  ASSERT_TRUE(first.begin().ok());
  first.send(where, "of the first");
  ASSERT_TRUE(first.flush().ok());
  Writer& second = writer(id);
  EXPECT_TRUE(has_code(first.commit(), Consequence::kFenced));
  EXPECT_TRUE(has_code(first.begin(), Consequence::kFenced));
  second.commit_values(where, {"of the second"});
  EXPECT_THAT(all(where), ElementsAre("of the second"));
  EXPECT_THAT(all(where, Isolation::kReadUncommitted),
              ElementsAre("of the first", "of the second"));
}

TEST_P(LogConformance, InitEndsWhatADeadProducerLeftOpen) {
  // A producer that vanished in mid-transaction holds readers back until its id is initialized
  // again.
  const TopicPartition where = partition();
  const std::string id = unique("producer");
  Writer& dead = writer(id, Duration(60'000));
  ASSERT_TRUE(dead.begin().ok());
  dead.send(where, "lost");
  ASSERT_TRUE(dead.flush().ok());
  dead.destroy();
  Tail& in = read(where);
  EXPECT_EQ(in.until_end(), Offset(0));
  writer(id, Duration(60'000)).commit_values(where, {"kept"});
  in.until_position(Offset(4));
  EXPECT_THAT(in.values(), ElementsAre("kept"));
}

TEST_P(LogConformance, AnUnknownOutcomeIsToldByTheStableOffset) {
  // Whoever does not learn how a commit ended initializes the id again; then the stable offset and
  // the records agree, whichever way it went.
  const TopicPartition where = partition();
  const std::string group = unique("group");
  for (int round = 0; round < 4; ++round) {
    const std::string id = unique("producer");
    Writer& out = writer(id);
    const Offset before = stable(group, where).offset;
    const std::size_t visible_before = all(where).size();
    const Offset next(100 + round);
    ASSERT_TRUE(out.begin().ok());
    out.send(where, "round " + std::to_string(round));
    ASSERT_TRUE(out.flush().ok());
    out->submit_commit(next_id(), {{where, next, ""}}, {.group = group});
    if (round % 2 == 1) pass(Duration(round));
    out.destroy();  // the completion is never seen
    Writer& successor = writer(id);
    const Offset after = stable(group, where).offset;
    const std::size_t visible_after = all(where).size();
    EXPECT_TRUE(after == before || after == next);
    EXPECT_EQ(visible_after, visible_before + (after == next ? 1 : 0)) << "round " << round;
    successor.commit_values(where, {"more"});
  }
}

TEST_P(LogConformance, ATransactionThatTakesTooLongIsAborted) {
  // Past its time-out the log aborts the transaction; its producer learns it as kFenced.
  const TopicPartition where = partition();
  const std::string id = unique("producer");
  Writer& slow = writer(id, Duration(1000));
  ASSERT_TRUE(slow.begin().ok());
  slow.send(where, "too late");
  ASSERT_TRUE(slow.flush().ok());
  Tail& in = read(where);
  EXPECT_EQ(in.until_end(), Offset(0));
  in.until_position(Offset(2));  // the log's own abort marker
  EXPECT_THAT(in.rows, IsEmpty());
  EXPECT_TRUE(has_code(slow.commit(), Consequence::kFenced));
  writer(id).commit_values(where, {"in time"});
  in.until_rows(1);
  EXPECT_THAT(in.values(), ElementsAre("in time"));
}

TEST_P(LogConformance, AFencedProducerCannotWriteOrAbort) {
  // What a fenced producer still sends does not become visible, and its abort says kFenced.
  const TopicPartition where = partition();
  const std::string id = unique("producer");
  Writer& first = writer(id);
  ASSERT_TRUE(first.begin().ok());
  first.send(where, "before");
  ASSERT_TRUE(first.flush().ok());
  Writer& second = writer(id);
  first.send(where, "after");
  EXPECT_FALSE(first.flush().ok());
  EXPECT_TRUE(has_code(first.abort(), Consequence::kFenced));
  second.commit_values(where, {"of the second"});
  EXPECT_THAT(all(where), ElementsAre("of the second"));
}

TEST_P(LogConformance, RecordsThatWereNotFlushedCanBeAborted) {
  // An abort right after sending drops all of it, and the producer goes on.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"before"});
  ASSERT_TRUE(out.begin().ok());
  for (int i = 0; i < 1000; ++i) out.send(where, "dropped");
  ASSERT_TRUE(out.abort().ok());
  out.commit_values(where, {"after"});
  EXPECT_THAT(all(where), ElementsAre("before", "after"));
}

TEST_P(LogConformance, AnEmptyTransactionCommitsAndAborts) {
  // A transaction without records and offsets may be committed or aborted.
  const TopicPartition where = partition();
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  ASSERT_TRUE(out.flush().ok());
  EXPECT_THAT(out.written, IsEmpty());
  EXPECT_TRUE(out.commit().ok());
  ASSERT_TRUE(out.begin().ok());
  EXPECT_TRUE(out.abort().ok());
  out.commit_values(where, {"a"});
  EXPECT_THAT(all(where), ElementsAre("a"));
}

TEST_P(LogConformance, TransactionsOfTwoProducersInterleave) {
  // Each transaction is committed or aborted for itself, however their records are mixed.
  const TopicPartition where = partition();
  Writer& one = writer();
  Writer& two = writer();
  ASSERT_TRUE(one.begin().ok());
  ASSERT_TRUE(two.begin().ok());
  for (int i = 0; i < 3; ++i) {
    one.send(where, "one " + std::to_string(i));
    ASSERT_TRUE(one.flush().ok());
    two.send(where, "two " + std::to_string(i));
    ASSERT_TRUE(two.flush().ok());
  }
  ASSERT_TRUE(two.abort().ok());
  ASSERT_TRUE(one.commit().ok());
  EXPECT_THAT(all(where), ElementsAre("one 0", "one 1", "one 2"));
  EXPECT_THAT(all(where, Isolation::kReadUncommitted),
              ElementsAre("one 0", "two 0", "one 1", "two 1", "one 2", "two 2"));
}

TEST_P(LogConformance, TransactionsFollowEachOtherAtOnce) {
  // A transaction may begin as soon as the last one's commit was answered.
  const TopicPartition where = partition();
  Writer& out = writer();
  for (int i = 0; i < 20; ++i) out.commit_values(where, {std::to_string(i)});
  const std::vector<std::string> values = all(where);
  ASSERT_EQ(values.size(), 20u);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], std::to_string(i));
}

TEST_P(LogConformance, AbortsFollowEachOtherAtOnce) {
  // Aborts, also of records that were never flushed, do not harm what follows them.
  const TopicPartition where = partition();
  Writer& out = writer();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(out.begin().ok());
    out.send(where, "aborted");
    const Status status = out.abort();
    ASSERT_TRUE(status.ok()) << status.message();
    out.commit_values(where, {std::to_string(i)});
  }
  EXPECT_EQ(all(where).size(), 10u);
}

TEST_P(LogConformance, AbortedTransactionsLeaveNoRecordAmongManyPartitions) {
  // One transaction over fifty partitions: every partition gets its records and one marker.
  const std::string name = topic(50);
  Writer& out = writer();
  for (const bool commit : {false, true}) {
    ASSERT_TRUE(out.begin().ok());
    for (int p = 0; p < 50; ++p) out.send({name, Partition(p)}, commit ? "committed" : "aborted");
    ASSERT_TRUE(out.flush().ok());
    EXPECT_EQ(out.written.size(), 50u);
    ASSERT_TRUE((commit ? out.commit() : out.abort()).ok());
  }
  const std::shared_ptr<LogReader> shared = reader();
  std::vector<Tail*> tails;
  for (int p = 0; p < 50; ++p) tails.push_back(&read_with(shared, {name, Partition(p)}, Offset(0)));
  for (Tail* tail : tails) {
    tail->until_position(Offset(4));
    EXPECT_THAT(tail->values(), ElementsAre("committed"));
  }
}

}  // namespace
}  // namespace millrace::conformance
