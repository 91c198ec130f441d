// Offsets committed with transactions: with them or not at all, stable or not, with metadata.
#include "conformance/log_conformance.h"

namespace millrace::conformance {
namespace {

TEST_P(LogConformance, OffsetsOfAnAbortedTransactionAreNotCommitted) {
  // A commit that is refused (here: for an outdated token) leaves offsets and records as they were.
  const TopicPartition where = partition();
  const std::string group = unique("group");
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  ASSERT_TRUE(out.commit({{where, Offset(5), "old"}}, {.group = group}).ok());
  ASSERT_EQ(stable(group, where).offset, Offset(5));

  ASSERT_TRUE(out.begin().ok());
  out.send(where, "lost");
  ASSERT_TRUE(out.flush().ok());
  const FencingToken outdated{.group = group, .generation = 3, .member = "nobody"};
  EXPECT_TRUE(has_code(out.commit({{where, Offset(9), "new"}}, outdated), Consequence::kAbort));
  ASSERT_TRUE(out.abort().ok());
  const CommittedOffset found = stable(group, where);
  EXPECT_EQ(found.offset, Offset(5));
  EXPECT_EQ(found.metadata, "old");
  EXPECT_THAT(all(where), testing::IsEmpty());
}

TEST_P(LogConformance, AfterAnOutdatedTokenTheProducerGoesOn) {
  // kAbort for the token's sake costs one abort, not the producer.
  const TopicPartition where = partition();
  const std::string group = unique("group");
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  EXPECT_TRUE(has_code(
      out.commit({{where, Offset(1), ""}}, {.group = group, .generation = 1, .member = "nobody"}),
      Consequence::kAbort));
  ASSERT_TRUE(out.abort().ok());
  out.commit_values(where, {"a"});
  EXPECT_THAT(all(where), testing::ElementsAre("a"));
}

TEST_P(LogConformance, AStableOffsetAfterACommitIsTheNewOne) {
  // Once commit was answered, a question for the offset is answered "not stable" or with the new
  // one.
  const TopicPartition where = partition();
  const std::string group = unique("group");
  Writer& out = writer();
  for (int i = 1; i <= 10; ++i) {
    ASSERT_TRUE(out.begin().ok());
    out.send(where, "v");
    ASSERT_TRUE(out.flush().ok());
    ASSERT_TRUE(out.commit({{where, Offset(i), std::to_string(i)}}, {.group = group}).ok());
    const CommittedOffset first = committed(group, where);
    EXPECT_TRUE(!first.stable || first.offset == Offset(i)) << first.offset.value();
    const CommittedOffset found = stable(group, where);
    EXPECT_EQ(found.offset, Offset(i));
    EXPECT_EQ(found.metadata, std::to_string(i));
  }
}

TEST_P(LogConformance, OffsetsWithoutRecordsCommit) {
  // A transaction that only moves offsets is a transaction; also if they do not move.
  const TopicPartition where = partition();
  const std::string group = unique("group");
  Writer& out = writer();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(out.begin().ok());
    ASSERT_TRUE(out.flush().ok());
    ASSERT_TRUE(
        out.commit({{where, Offset(4), "number " + std::to_string(i)}}, {.group = group}).ok());
    EXPECT_EQ(stable(group, where).metadata, "number " + std::to_string(i));
  }
  EXPECT_EQ(list_offset(OffsetKind::kEnd, where), Offset(0));
}

TEST_P(LogConformance, OffsetsOfManyPartitionsAreAnsweredInOrder) {
  // Each partition keeps its own offset and metadata; answers come in the order of the question.
  const std::string name = topic(6);
  const std::string group = unique("group");
  Writer& out = writer();
  std::vector<OffsetToCommit> offsets;
  for (int p = 0; p < 5; ++p) {
    offsets.push_back(
        {{name, Partition(p)}, Offset(p * 10), p % 2 == 0 ? "" : "m" + std::to_string(p)});
  }
  ASSERT_TRUE(out.begin().ok());
  ASSERT_TRUE(out.commit(offsets, {.group = group}).ok());
  for (int p = 0; p < 5; ++p) stable(group, {name, Partition(p)});

  std::vector<TopicPartition> question;
  for (int p = 5; p >= 0; --p) question.push_back({name, Partition(p)});
  const OperationId id = next_id();
  admin().submit_committed_offsets(id, group, question);
  const auto found = answer<OffsetsCommitted>(id).offsets;
  ASSERT_EQ(found.size(), 6u);
  EXPECT_EQ(found[0].offset, kNoOffset);
  for (std::size_t i = 1; i < 6; ++i) {
    const auto p = static_cast<std::size_t>(question[i].partition.value());
    EXPECT_EQ(found[i].where, question[i]);
    EXPECT_EQ(found[i].offset, offsets[p].next);
    EXPECT_EQ(found[i].metadata, offsets[p].metadata);
  }
}

TEST_P(LogConformance, AGroupThatNeverCommittedHasNoOffsets) {
  // An unknown group is no error: nothing is committed, and that is stable.
  const TopicPartition where = partition();
  const CommittedOffset found = committed(unique("group"), where);
  EXPECT_EQ(found.offset, kNoOffset);
  EXPECT_EQ(found.metadata, "");
  EXPECT_TRUE(found.stable);
}

TEST_P(LogConformance, MetadataMayHave4096Characters) {
  // 4,096 characters of metadata are kept; one more aborts the transaction.
  const TopicPartition where = partition();
  const std::string group = unique("group");
  const std::string longest(4096, 'm');
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  ASSERT_TRUE(out.commit({{where, Offset(1), longest}}, {.group = group}).ok());
  EXPECT_EQ(stable(group, where).metadata, longest);
  ASSERT_TRUE(out.begin().ok());
  EXPECT_TRUE(has_code(out.commit({{where, Offset(2), longest + "m"}}, {.group = group}),
                       Consequence::kAbort));
  ASSERT_TRUE(out.abort().ok());
  EXPECT_EQ(stable(group, where).offset, Offset(1));
}

TEST_P(LogConformance, GroupsDoNotShareOffsets) {
  // The same partition has an offset of its own in each group.
  const TopicPartition where = partition();
  const std::string one = unique("group"), two = unique("group");
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  ASSERT_TRUE(out.commit({{where, Offset(1), "one"}}, {.group = one}).ok());
  ASSERT_TRUE(out.begin().ok());
  ASSERT_TRUE(out.commit({{where, Offset(2), "two"}}, {.group = two}).ok());
  EXPECT_EQ(stable(one, where).offset, Offset(1));
  EXPECT_EQ(stable(two, where).offset, Offset(2));
}

}  // namespace
}  // namespace millrace::conformance
