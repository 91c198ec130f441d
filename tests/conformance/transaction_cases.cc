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
  for (std::size_t i = 1; i < in.rows.size(); ++i) EXPECT_LT(in.rows[i - 1].offset, in.rows[i].offset);
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
  const TopicPartition places[] = {{one, Partition(0)}, {one, Partition(2)}, {topic(), Partition(0)}};
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
  EXPECT_THAT(all(where, Isolation::kReadUncommitted), ElementsAre("of the first", "of the second"));
}

}  // namespace
}  // namespace millrace::conformance
