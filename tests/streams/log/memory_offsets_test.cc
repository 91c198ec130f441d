// Offsets of groups: pending inside transactions, and who may put them.
#include "streams/log/memory_fixture.h"

namespace millrace::log::memory {
namespace {

class MemoryOffsetsTest : public MemoryLogTest {
 protected:
  const TopicPartition t0{"t", Partition(0)};
  const TopicPartition t1{"t", Partition(1)};

  CommittedOffset stored(const TopicPartition& where) { return log.committed_offset("g", where); }
};

TEST_F(MemoryOffsetsTest, OffsetsAreStoredWithTheCommit) {
  // Property: offsets and metadata come with the commit of the transaction that put them, and go
  // with its abort; others keep what they had.
  auto producer = client.producer("p");
  EXPECT_EQ(stored(t0).offset, kNoOffset);
  EXPECT_TRUE(stored(t0).stable);
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_TRUE(
      client.flush_and_commit(*producer, {{t0, Offset(5), "meta"}, {t1, Offset(6), ""}}).ok());
  EXPECT_EQ(stored(t0).offset, Offset(5));
  EXPECT_EQ(stored(t0).metadata, "meta");
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_TRUE(client.flush_and_commit(*producer, {{t1, Offset(7), "m"}}).ok());
  EXPECT_EQ(stored(t0).offset, Offset(5));
  EXPECT_EQ(stored(t1).offset, Offset(7));
  EXPECT_EQ(log.committed_offset("other", t0).offset, kNoOffset);

  auto admin = log.make_admin(client.inbox());
  const OperationId id = client.next_id();
  admin->submit_committed_offsets(id, "g", {t1, {"t", Partition(9)}, t0});
  const auto offsets = std::get<OffsetsCommitted>(client.await(id).what).offsets;
  ASSERT_EQ(offsets.size(), 3u);
  EXPECT_EQ(offsets[0].offset, Offset(7));
  EXPECT_EQ(offsets[1].offset, kNoOffset);
  EXPECT_EQ(offsets[2].metadata, "meta");
}

TEST_F(MemoryOffsetsTest, OffsetsWithoutProgressAreStoredToo) {
  // Property: equal or lower offsets are stored as they are said, with new metadata.
  auto producer = client.producer("p");
  for (const std::string metadata : {"1", "2"}) {
    ASSERT_TRUE(producer->begin().ok());
    EXPECT_TRUE(client.flush_and_commit(*producer, {{t0, Offset(5), metadata}}).ok());
    EXPECT_EQ(stored(t0).metadata, metadata);
  }
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_TRUE(client.flush_and_commit(*producer, {{t0, Offset(2), ""}}).ok());
  EXPECT_EQ(stored(t0).offset, Offset(2));
}

TEST_F(MemoryOffsetsTest, MetadataIsBounded) {
  // Property: 4,096 characters of metadata are stored, one more is refused with kAbort, and the
  // transaction can be aborted.
  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_TRUE(client.flush_and_commit(*producer, {{t0, Offset(1), std::string(4096, 'm')}}).ok());
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_EQ(
      client.flush_and_commit(*producer, {{t0, Offset(2), std::string(4097, 'm')}}).consequence(),
      Consequence::kAbort);
  EXPECT_TRUE(client.abort(*producer).ok());
  EXPECT_EQ(stored(t0).offset, Offset(1));
}

TEST_F(MemoryOffsetsTest, PendingOffsetsAreUnstable) {
  // Property: while an open transaction has put an offset, the partition is unstable and its offset
  // unsaid; other partitions are not; the end of the transaction, here by a new init, settles it.
  // The commit is refused, half of the times after the offset was put.
  int unstable = 0;
  constexpr int kSeeds = 20;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    MemoryLog hostile(clock,
                      {.hostile = {.seed = seed, .one_in_abort = 1, .max_faults_in_row = 1}});
    hostile.create_topic({"t", 2, {}});
    Client worker(hostile);
    auto producer = worker.producer("p");
    ASSERT_TRUE(producer->begin().ok());
    const Status refused = worker.flush_and_commit(*producer, {{t0, Offset(5), "m"}});
    EXPECT_EQ(refused.consequence(), Consequence::kAbort);
    const CommittedOffset pending = hostile.committed_offset("g", t0);
    EXPECT_EQ(pending.offset, kNoOffset);
    EXPECT_EQ(pending.metadata, "");
    if (!pending.stable) ++unstable;
    EXPECT_TRUE(hostile.committed_offset("g", t1).stable);
    worker.producer("p");
    EXPECT_TRUE(hostile.committed_offset("g", t0).stable);
    EXPECT_EQ(hostile.committed_offset("g", t0).offset, kNoOffset);
  }
  EXPECT_GT(unstable, 0);
  EXPECT_LT(unstable, kSeeds);
}

TEST_F(MemoryOffsetsTest, TheOffsetPutLastWins) {
  // Property: of two transactions that put an offset for one partition the one that put it last
  // wins, whichever is ended last.
  // One commit operation puts and ends, so the order is seen with markers that come late.
  int kept_order = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    MemoryLog late(clock, {.hostile = {.seed = seed, .late_percent = 60}});
    late.create_topic({"t", 2, {}});
    Client worker(late);
    auto one = worker.producer("p1");
    auto two = worker.producer("p2");
    ASSERT_TRUE(one->begin().ok());
    ASSERT_TRUE(two->begin().ok());
    worker.send(*one, "t", 0, "a");
    worker.send(*one, "t", 1, "a");
    ASSERT_TRUE(worker.flush(*one).ok());
    ASSERT_TRUE(worker.flush(*two).ok());
    EXPECT_TRUE(worker.commit(*one, {{t0, Offset(1), ""}}).ok());
    if (!late.committed_offset("g", t0).stable) ++kept_order;
    EXPECT_TRUE(worker.commit(*two, {{t0, Offset(2), ""}}).ok());
    late.settle();
    EXPECT_EQ(late.committed_offset("g", t0).offset, Offset(2));
  }
  EXPECT_GT(kept_order, 0) << "no marker came after the commit was answered";
}

TEST_F(MemoryOffsetsTest, DeletedTopicsTakeTheirOffsetsAlong) {
  // Property: a deleted topic's offsets are forgotten; a topic of the same name starts without.
  log.create_topic({"u", 1, {}});
  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  ASSERT_TRUE(
      client
          .flush_and_commit(*producer, {{t0, Offset(5), ""}, {{"u", Partition(0)}, Offset(6), ""}})
          .ok());
  auto admin = log.make_admin(client.inbox());
  admin->submit_delete_topics(client.next_id(), {"t"});
  client.settle();
  log.create_topic({"t", 2, {}});
  EXPECT_EQ(stored(t0).offset, kNoOffset);
  EXPECT_EQ(stored({"u", Partition(0)}).offset, Offset(6));
}

TEST_F(MemoryOffsetsTest, TokensAreCheckedAgainstTheGroup) {
  // Property: a member's own token is good; another generation is ILLEGAL_GENERATION, another
  // member UNKNOWN_MEMBER_ID, both kAbort with nothing stored; the token of manual membership is
  // good only while the group has no members.
  auto producer = client.producer("p");
  const auto commit_with = [&](const FencingToken& token) {
    EXPECT_TRUE(producer->begin().ok());
    const Status status = client.flush_and_commit(*producer, {{t0, Offset(1), ""}}, token);
    EXPECT_TRUE(status.ok() || client.abort(*producer).ok());
    return status;
  };
  EXPECT_TRUE(commit_with({.group = "g"}).ok()) << "nobody is in the group";
  EXPECT_EQ(commit_with({.group = "g", .generation = 3, .member = "x"}).consequence(),
            Consequence::kAbort);

  auto membership = log.make_membership({.group = "g"}, client.inbox());
  EXPECT_EQ(membership->token(), std::nullopt);
  membership->join({{"t", 2}});
  EXPECT_EQ(membership->token(), std::nullopt);
  client.settle();
  membership->acknowledge();
  client.settle();
  ASSERT_TRUE(membership->token());
  const FencingToken token = *membership->token();
  EXPECT_TRUE(commit_with(token).ok());

  FencingToken stale = token;
  stale.generation -= 1;
  Status refused = commit_with(stale);
  EXPECT_EQ(refused.consequence(), Consequence::kAbort);
  EXPECT_NE(refused.message().find("ILLEGAL_GENERATION"), std::string::npos) << refused.message();
  FencingToken foreign = token;
  foreign.member = "somebody";
  refused = commit_with(foreign);
  EXPECT_EQ(refused.consequence(), Consequence::kAbort);
  EXPECT_NE(refused.message().find("UNKNOWN_MEMBER_ID"), std::string::npos) << refused.message();
  EXPECT_EQ(commit_with({.group = "g"}).consequence(), Consequence::kAbort);
  EXPECT_EQ(commit_with({.group = "g", .generation = -1, .member = token.member}).consequence(),
            Consequence::kAbort);

  membership->submit_leave(client.next_id());
  client.settle();
  EXPECT_EQ(membership->token(), std::nullopt);
  EXPECT_EQ(commit_with(token).consequence(), Consequence::kAbort);
  EXPECT_TRUE(commit_with({.group = "g"}).ok());
}

TEST_F(MemoryOffsetsTest, UnfencedOffsetsMayBeAllowedAsABrokerDoes) {
  // Property: with accept_unfenced_offsets a token without generation and member passes unchecked,
  // each half alone does not.
  MemoryLog lenient(clock, {.accept_unfenced_offsets = true});
  lenient.create_topic({"t", 1, {}});
  Client worker(lenient);
  auto membership = lenient.make_membership({.group = "g"}, worker.inbox());
  membership->join({{"t", 1}});
  worker.settle();
  auto producer = worker.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_TRUE(worker.flush_and_commit(*producer, {{t0, Offset(1), ""}}, {.group = "g"}).ok());
  for (const FencingToken& half : {FencingToken{"g", -1, membership->token()->member},
                                   FencingToken{"g", membership->token()->generation, ""}}) {
    ASSERT_TRUE(producer->begin().ok());
    EXPECT_EQ(worker.flush_and_commit(*producer, {{t0, Offset(2), ""}}, half).consequence(),
              Consequence::kAbort);
    EXPECT_TRUE(worker.abort(*producer).ok());
  }
}

}  // namespace
}  // namespace millrace::log::memory
