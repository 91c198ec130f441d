// Groups: shares, revocation and its acknowledgement, generations, sessions.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "log/group/assignor.h"
#include "log/memory/random.h"
#include "streams/log/memory_fixture.h"

namespace millrace::log::memory {
namespace {

// A worker in the group "g" that keeps what it owns as the events say.
class Worker {
 public:
  Worker(MemoryLog& log, std::vector<AnchorTopic> anchors, bool answers_at_once = true)
      : answers(answers_at_once),
        client_(log),
        membership_(log.make_membership({.group = "g"}, client_.inbox())) {
    membership_->join(std::move(anchors));
  }

  // Effect: reads the inbox, and answers if it is one that answers. Returns whether anything came.
  bool serve() {
    Event event;
    bool came = false;
    while (client_.inbox().pop(event)) {
      came = true;
      if (const auto* assigned = std::get_if<Assigned>(&event.what)) {
        for (const auto& where : assigned->partitions) EXPECT_TRUE(owned.insert(where).second);
        ++events;
        if (answers) membership_->acknowledge();
      } else if (const auto* revoked = std::get_if<Revoked>(&event.what)) {
        ++events;
        revoking = revoked->partitions;
        if (answers) answer();
      } else if (std::holds_alternative<Lost>(event.what)) {
        owned.clear();
        revoking.clear();
        ++losses;
      }
    }
    return came;
  }
  void answer() {
    for (const auto& where : revoking) EXPECT_EQ(owned.erase(where), 1u);
    revoking.clear();
    membership_->acknowledge();
  }
  GroupMembership& membership() { return *membership_; }
  void die() { membership_.reset(); }
  std::optional<FencingToken> token() { return membership_->token(); }
  OperationId leave() {
    const OperationId id = client_.next_id();
    owned.clear();
    membership_->submit_leave(id);
    return id;
  }

  std::set<TopicPartition> owned;
  std::vector<TopicPartition> revoking;
  int events = 0;
  int losses = 0;
  bool answers;

 private:
  Client client_;
  std::unique_ptr<GroupMembership> membership_;
};

class MemoryGroupTest : public MemoryLogTest {
 protected:
  // Effect: steps and serves until nothing comes any more. No partition has two owners meanwhile.
  void settle(const std::vector<Worker*>& workers) {
    bool busy = true;
    while (busy) {
      busy = log.step();
      for (Worker* worker : workers) busy |= worker->serve();
      std::set<TopicPartition> all;
      for (Worker* worker : workers) {
        for (const auto& where : worker->owned)
          EXPECT_TRUE(all.insert(where).second) << to_string(where);
      }
    }
  }
  const std::vector<AnchorTopic> six{{"six", 6}};
};

TEST_F(MemoryGroupTest, PartitionsAreSharedOutEvenlyAndStayWhereTheyAre) {
  // Property: every partition has one owner, shares differ by at most one, and a member that joins
  // or leaves moves no more than it must.
  Worker a(log, six);
  settle({&a});
  EXPECT_EQ(a.owned.size(), 6u);
  Worker b(log, six);
  settle({&a, &b});
  EXPECT_EQ(a.owned.size(), 3u);
  EXPECT_EQ(b.owned.size(), 3u);
  const auto a_before = a.owned;
  Worker c(log, six);
  settle({&a, &b, &c});
  EXPECT_EQ(a.owned.size(), 2u);
  EXPECT_EQ(b.owned.size(), 2u);
  EXPECT_EQ(c.owned.size(), 2u);
  EXPECT_TRUE(std::ranges::includes(a_before, a.owned));
  const auto b_before = b.owned;
  a.leave();
  settle({&a, &b, &c});
  EXPECT_EQ(b.owned.size(), 3u);
  EXPECT_EQ(c.owned.size(), 3u);
  EXPECT_TRUE(std::ranges::includes(b.owned, b_before));
}

TEST_F(MemoryGroupTest, MembersWithoutPartitionsAreMembers) {
  // Property: the first event is an Assigned even where nothing is left to assign, and the member
  // has a token.
  Worker a(log, {{"one", 1}});
  settle({&a});
  Worker b(log, {{"one", 1}});
  settle({&a, &b});
  EXPECT_EQ(a.owned.size(), 1u);
  EXPECT_EQ(b.owned.size(), 0u);
  EXPECT_EQ(b.events, 1);
  EXPECT_TRUE(b.token());
  a.leave();
  settle({&a, &b});
  EXPECT_EQ(b.owned.size(), 1u);
}

TEST_F(MemoryGroupTest, RevokedPartitionsAreNobodysUntilAcknowledged) {
  // Property: a revoked partition is given to another only after its owner's answer; until then the
  // owner's token is good, so that it can commit.
  Worker a(log, six, false);
  settle({&a});
  a.membership().acknowledge();
  Worker b(log, six);
  settle({&a, &b});
  ASSERT_EQ(a.revoking.size(), 3u);
  EXPECT_EQ(b.owned.size(), 0u);

  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  ASSERT_TRUE(a.token());
  EXPECT_TRUE(
      client.flush_and_commit(*producer, {{a.revoking[0], Offset(1), ""}}, *a.token()).ok());

  a.answer();
  settle({&a, &b});
  EXPECT_EQ(b.owned.size(), 3u);
}

TEST_F(MemoryGroupTest, EachRoundMakesOlderTokensStale) {
  // Property: a token taken before a rebalance is refused after it, a fresh one is good.
  auto producer = client.producer("p");
  Worker a(log, six);
  settle({&a});
  const FencingToken before = *a.token();
  Worker b(log, six);
  settle({&a, &b});
  EXPECT_GT(a.token()->generation, before.generation);
  EXPECT_EQ(a.token()->generation, b.token()->generation);
  const OffsetToCommit offset{*a.owned.begin(), Offset(1), ""};
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_EQ(client.flush_and_commit(*producer, {offset}, before).consequence(),
            Consequence::kAbort);
  EXPECT_TRUE(client.abort(*producer).ok());
  ASSERT_TRUE(producer->begin().ok());
  EXPECT_TRUE(client.flush_and_commit(*producer, {offset}, *a.token()).ok());
}

TEST_F(MemoryGroupTest, DeadMembersAreOutWhenTheirSessionEnds) {
  // Property: a member that is destroyed without leaving keeps its partitions until its session
  // times out; then they are others'. next_due() says when.
  Worker a(log, six);
  Worker b(log, six);
  settle({&a, &b});
  a.owned.clear();
  a.die();
  settle({&b});
  EXPECT_EQ(b.owned.size(), 3u);
  ASSERT_EQ(log.next_due(), clock.now() + 10s);
  clock.advance(10s);
  settle({&b});
  EXPECT_EQ(b.owned.size(), 6u);
}

TEST_F(MemoryGroupTest, MembersThatAreCutOffAreToldLostAndJoinAgain) {
  // Property: cut off for less than the session time-out nothing happens; for longer the member is
  // told Lost, its token is gone, the old one is refused as an unknown member's, and once connected
  // it is a member again under another id.
  Worker a(log, six);
  Worker b(log, six);
  settle({&a, &b});
  log.set_connected(a.membership().epoch(), false);
  clock.advance(9s);
  settle({&a, &b});
  log.set_connected(a.membership().epoch(), true);
  clock.advance(9s);
  settle({&a, &b});
  EXPECT_EQ(a.losses, 0);
  EXPECT_EQ(a.owned.size(), 3u);

  const FencingToken before = *a.token();
  log.set_connected(a.membership().epoch(), false);
  clock.advance(10s);
  settle({&a, &b});
  EXPECT_EQ(a.losses, 1);
  EXPECT_EQ(a.token(), std::nullopt);
  EXPECT_EQ(b.owned.size(), 6u);
  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  const Status refused =
      client.flush_and_commit(*producer, {{{"six", Partition(0)}, Offset(1), ""}}, before);
  EXPECT_NE(refused.message().find("UNKNOWN_MEMBER_ID"), std::string::npos);

  log.set_connected(a.membership().epoch(), true);
  settle({&a, &b});
  EXPECT_EQ(a.owned.size(), 3u);
  EXPECT_EQ(b.owned.size(), 3u);
  EXPECT_NE(a.token()->member, before.member);
}

TEST_F(MemoryGroupTest, BeingCutOffInTheMiddleOfARebalanceEndsInLostToo) {
  // Property: at whatever step of a rebalance a member is cut off, it is told Lost once its session
  // is over, and the others have everything.
  for (int steps = 0; steps < 8; ++steps) {
    SCOPED_TRACE("cut off after " + std::to_string(steps) + " steps");
    Worker a(log, six);
    settle({&a});
    Worker b(log, six);
    for (int i = 0; i < steps; ++i) log.step();
    log.set_connected(a.membership().epoch(), false);
    settle({&a, &b});
    EXPECT_EQ(a.losses, 0);
    clock.advance(10s);
    settle({&a, &b});
    EXPECT_EQ(a.losses, 1);
    EXPECT_EQ(b.owned.size(), 6u);
    a.leave();
    b.leave();
    settle({&a, &b});
  }
}

TEST_F(MemoryGroupTest, WhoNeverAnswersIsPutOut) {
  // Property: a rebalance waits for an answer no longer than the rebalance time-out; the silent
  // member is told Lost and the others go on.
  Worker a(log, six, false);
  settle({&a});
  a.membership().acknowledge();
  Worker b(log, six);
  settle({&a, &b});
  ASSERT_EQ(a.revoking.size(), 3u);
  ASSERT_EQ(log.next_due(), clock.now() + 300s);
  a.answers = true;  // to what comes, not to what is over
  clock.advance(300s);
  settle({&a, &b});
  EXPECT_EQ(a.losses, 1);
  EXPECT_EQ(b.owned.size() + a.owned.size(), 6u);
  EXPECT_GE(b.owned.size(), 3u);
}

TEST_F(MemoryGroupTest, LeavingGivesEverythingBackAtOnce) {
  // Property: submit_leave() is answered, the token is gone when it is called, and the others get
  // the partitions without any time-out; no event follows.
  Worker a(log, six);
  Worker b(log, six);
  settle({&a, &b});
  const int before = a.events;
  a.leave();
  EXPECT_EQ(a.token(), std::nullopt);
  settle({&a, &b});
  EXPECT_EQ(b.owned.size(), 6u);
  EXPECT_EQ(a.events, before);
  EXPECT_EQ(log.next_due(), std::nullopt);
}

TEST_F(MemoryGroupTest, AcknowledgingNothingDoesNothing) {
  // Property: an answer without a question is ignored, also after Lost has taken the question back.
  Worker a(log, six);
  settle({&a});
  a.membership().acknowledge();
  settle({&a});
  EXPECT_EQ(a.owned.size(), 6u);
}

TEST(AssignorTest, SharesAreCompleteEvenAndStable) {
  // Property: random members with random anchors and random former shares: every partition that
  // somebody may own is owned once, members of the same anchors differ by at most one, an even
  // assignment is left as it is, and what is taken stays free. Seed: 20,000 cases from 1.
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<AssignorMember> members(1 + random.below(5));
    std::set<TopicPartition> all;
    const bool same = random.one_in(2);
    for (AssignorMember& member : members) {
      for (const char* topic : {"a", "b", "c"}) {
        if (same || random.one_in(2)) member.anchors[topic] = 4;
      }
      for (const auto& [topic, count] : member.anchors) {
        for (std::int32_t p = 0; p < count; ++p) all.insert({topic, Partition(p)});
      }
    }
    std::set<TopicPartition> taken;
    for (const TopicPartition& where : all) {
      if (random.one_in(4)) members[random.below(members.size())].owned.insert(where);
      if (random.one_in(10)) taken.insert(where);
    }
    const auto shares = assign_sticky(members, taken);
    std::set<TopicPartition> given;
    std::size_t least = 99;
    std::size_t most = 0;
    for (std::size_t m = 0; m < members.size(); ++m) {
      least = std::min(least, shares[m].size());
      most = std::max(most, shares[m].size());
      for (const TopicPartition& where : shares[m]) {
        EXPECT_TRUE(members[m].anchors.contains(where.topic));
        EXPECT_FALSE(taken.contains(where));
        EXPECT_TRUE(given.insert(where).second);
      }
    }
    EXPECT_EQ(given.size() + taken.size(), all.size());
    EXPECT_TRUE(!same || most <= least + 1);
    for (std::size_t m = 0; m < members.size(); ++m) members[m].owned = shares[m];
    EXPECT_EQ(assign_sticky(members, taken), shares);
    if (HasFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace millrace::log::memory
