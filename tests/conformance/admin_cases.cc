// Questions and orders about topics and offsets.
#include "conformance/log_conformance.h"

namespace millrace::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(LogConformance, TopicsAreDescribed) {
  // Partition counts and size limits come in the order asked for; a missing topic has no count.
  const std::string wide = topic(7);
  const std::string small = topic(1, {{"max.message.bytes", "2000"},
                                      {"cleanup.policy", "compact"},
                                      {"delete.retention.ms", "5000"}});
  const std::string missing = unique("missing");
  const OperationId id = next_id();
  admin().submit_describe_topics(id, {small, missing, wide});
  const auto topics = answer<TopicsDescribed>(id).topics;
  ASSERT_EQ(topics.size(), 3u);
  EXPECT_EQ(topics[0].topic, small);
  EXPECT_EQ(topics[0].partitions, 1);
  EXPECT_EQ(topics[0].max_message_bytes, 2000);
  EXPECT_EQ(topics[0].deletions_kept, Duration(5000));
  EXPECT_EQ(topics[1].partitions, std::nullopt);
  EXPECT_EQ(topics[2].partitions, 7);
  EXPECT_EQ(topics[2].deletions_kept, Duration::max());
}

TEST_P(LogConformance, CreatingATopicThatExistsChangesNothing) {
  // An existing topic is no error and keeps its shape and records.
  const TopicPartition where = partition();
  writer().commit_values(where, {"kept"});
  const OperationId id = next_id();
  admin().submit_create_topics(id, {{where.topic, 5, {}}, {unique("new"), 1, {}}});
  EXPECT_TRUE(done(id).ok());
  const OperationId question = next_id();
  admin().submit_describe_topics(question, {where.topic});
  EXPECT_EQ(answer<TopicsDescribed>(question).topics[0].partitions, 1);
  EXPECT_THAT(all(where), ElementsAre("kept"));
}

TEST_P(LogConformance, ATopicIsUsableOnceItsCreationIsDone) {
  // Done means: it can be written and read.
  const TopicPartition where = partition();
  writer().commit_values(where, {"at once"});
  EXPECT_THAT(all(where), ElementsAre("at once"));
}

TEST_P(LogConformance, AWrongTopicConfigurationIsRefused) {
  // A value that makes no sense is an error with a message, and no topic is made.
  const std::string name = unique("topic");
  const OperationId id = next_id();
  admin().submit_create_topics(id, {{name, 1, {{"max.message.bytes", "many"}}}});
  const Status status = done(id);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message(), "");
  const OperationId question = next_id();
  admin().submit_describe_topics(question, {name});
  EXPECT_EQ(answer<TopicsDescribed>(question).topics[0].partitions, std::nullopt);
}

TEST_P(LogConformance, ATopicThatWasMadeAgainIsEmpty) {
  // Deleting takes the records; a topic of the same name begins at 0. A missing one is no error.
  const TopicPartition where = partition();
  writer().commit_values(where, {"old"});
  for (int i = 0; i < 2; ++i) {
    const OperationId id = next_id();
    admin().submit_delete_topics(id, {where.topic});
    EXPECT_TRUE(done(id).ok());
  }
  const OperationId id = next_id();
  admin().submit_create_topics(id, {{where.topic, 2, {}}});
  ASSERT_TRUE(done(id).ok());
  EXPECT_EQ(list_offset(OffsetKind::kEnd, where), Offset(0));
  writer().commit_values(where, {"new"});
  EXPECT_THAT(all(where), ElementsAre("new"));
}

TEST_P(LogConformance, OffsetsAreListedInOrder) {
  // Start and end of many partitions in one question, in its order; a missing partition has none.
  const std::string name = topic(3);
  const std::string missing = unique("missing");
  Writer& out = writer();
  out.commit_values({name, Partition(2)}, {"a", "b"});
  wait_until("the marker", [&] {
    return list_offset(OffsetKind::kEnd, {name, Partition(2)}) == Offset(3);
  });
  const std::vector<TopicPartition> question = {
      {name, Partition(2)}, {missing, Partition(0)}, {name, Partition(0)}, {name, Partition(9)}};
  const auto ask = [&](OffsetKind kind) {
    const OperationId id = next_id();
    admin().submit_list_offsets(id, kind, question);
    std::vector<Offset> offsets;
    for (const PartitionOffset& found : answer<OffsetsListed>(id).offsets)
      offsets.push_back(found.offset);
    return offsets;
  };
  EXPECT_THAT(ask(OffsetKind::kEnd), ElementsAre(Offset(3), kNoOffset, Offset(0), kNoOffset));
  EXPECT_THAT(ask(OffsetKind::kStart), ElementsAre(Offset(0), kNoOffset, Offset(0), kNoOffset));
}

TEST_P(LogConformance, DeletedRecordsAreGone) {
  // DeleteRecords moves the start; reading below it is OffsetOutOfRange, from it on all is there.
  const TopicPartition where = partition();
  writer().commit_values(where, {"0", "1", "2", "3"});
  ASSERT_TRUE(delete_below(where, Offset(2)).ok());
  EXPECT_EQ(list_offset(OffsetKind::kStart, where), Offset(2));
  Tail& below = read(where, Offset(1));
  wait_until("the refusal", [&] { return below.out_of_range.has_value(); });
  EXPECT_EQ(*below.out_of_range, Offset(1));
  EXPECT_THAT(below.rows, IsEmpty());
  EXPECT_THAT(all(where), ElementsAre("2", "3"));
}

TEST_P(LogConformance, DeletingRecordsAgainOrLowerDoesNothing) {
  // The start never moves back.
  const TopicPartition where = partition();
  writer().commit_values(where, {"0", "1", "2"});
  ASSERT_TRUE(delete_below(where, Offset(2)).ok());
  EXPECT_TRUE(delete_below(where, Offset(2)).ok());
  EXPECT_TRUE(delete_below(where, Offset(1)).ok());
  EXPECT_EQ(list_offset(OffsetKind::kStart, where), Offset(2));
  EXPECT_THAT(all(where), ElementsAre("2"));
}

TEST_P(LogConformance, RecordsBeyondTheEndCannotBeDeleted) {
  // Beyond the end: kRetry, and nothing is deleted.
  const TopicPartition where = partition();
  writer().commit_values(where, {"0"});
  EXPECT_TRUE(has_code(delete_below(where, Offset(100)), Consequence::kRetry));
  EXPECT_EQ(list_offset(OffsetKind::kStart, where), Offset(0));
}

TEST_P(LogConformance, RecordsOfACompactedTopicCannotBeDeleted) {
  // A topic that is only compacted refuses (kRetry); one that is compacted and deleted does not.
  const TopicPartition compacted = partition({{"cleanup.policy", "compact"}});
  const TopicPartition both = partition({{"cleanup.policy", "compact,delete"}});
  Writer& out = writer();
  out.commit_values(compacted, {"0", "1"});
  out.commit_values(both, {"0", "1"});
  EXPECT_TRUE(has_code(delete_below(compacted, Offset(1)), Consequence::kRetry));
  EXPECT_EQ(list_offset(OffsetKind::kStart, compacted), Offset(0));
  EXPECT_TRUE(delete_below(both, Offset(1)).ok());
  EXPECT_EQ(list_offset(OffsetKind::kStart, both), Offset(1));
}

TEST_P(LogConformance, APartitionMayBeEmptiedWhole) {
  // Deleting up to the end leaves an empty partition that goes on at the same offset.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"0", "1"});
  wait_until("the marker", [&] { return list_offset(OffsetKind::kEnd, where) == Offset(3); });
  ASSERT_TRUE(delete_below(where, Offset(3)).ok());
  EXPECT_EQ(list_offset(OffsetKind::kStart, where), Offset(3));
  Tail& in = read(where, Offset(3));
  EXPECT_EQ(in.until_end(), Offset(3));
  out.commit_values(where, {"3"});
  in.until_rows(1);
  EXPECT_EQ(in.rows[0].offset, Offset(3));
}

TEST_P(LogConformance, DeletingRecordsDoesNotDisturbAReaderAhead) {
  // A reader whose position is at or above the new start notices nothing.
  const TopicPartition where = partition();
  Writer& out = writer();
  out.commit_values(where, {"0", "1"});
  Tail& in = read(where);
  in.until_position(Offset(3));
  ASSERT_TRUE(delete_below(where, Offset(2)).ok());
  out.commit_values(where, {"3"});
  in.until_rows(3);
  EXPECT_THAT(in.values(), ElementsAre("0", "1", "3"));
  EXPECT_FALSE(in.out_of_range.has_value());
}

TEST_P(LogConformance, ManyQuestionsAreUnderWayAtOnce) {
  // Questions may be asked before earlier ones were answered; each is answered once, as itself.
  const TopicPartition where = partition();
  writer().commit_values(where, {"a"});
  const std::string group = unique("group");
  std::vector<OperationId> ends, commits;
  for (int i = 0; i < 10; ++i) {
    ends.push_back(next_id());
    admin().submit_list_offsets(ends.back(), i % 2 == 0 ? OffsetKind::kStart : OffsetKind::kEnd,
                                {where});
    commits.push_back(next_id());
    admin().submit_committed_offsets(commits.back(), group, {where});
  }
  for (std::size_t i = 10; i-- > 0;) {
    EXPECT_EQ(answer<OffsetsCommitted>(commits[i]).offsets.at(0).offset, kNoOffset);
    EXPECT_EQ(answer<OffsetsListed>(ends[i]).offsets.at(0).offset > Offset(0), i % 2 == 1);
  }
}

}  // namespace
}  // namespace millrace::conformance
