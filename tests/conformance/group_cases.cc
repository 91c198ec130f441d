// Groups: sharing partitions out, and what a token is worth. On the broker the members are those of
// one process; that an outdated token commits nothing is the broker's own answer.
#include <set>

#include "conformance/log_conformance.h"

namespace millrace::conformance {
namespace {

// A member of a group with what it was told, in order. Answers at once unless told to hold.
class Member {
 public:
  Member(GroupConformance& test, const std::string& group, const AnchorTopic& anchor)
      : test_(test),
        membership_(test.under().log().make_membership({.group = group}, test.inbox())) {
    membership_->join({anchor});
  }

  // Effect: takes the events that came for this member.
  void serve() {
    for (auto event = test_.others.begin(); event != test_.others.end();) {
      if (event->epoch != membership_->epoch()) {
        ++event;
        continue;
      }
      if (const auto* assigned = std::get_if<Assigned>(&event->what)) {
        for (const TopicPartition& p : assigned->partitions) owned.insert(p);
        waiting += 1;
      } else if (const auto* revoked = std::get_if<Revoked>(&event->what)) {
        asked_back = revoked->partitions;
        revocations += 1;
        waiting += 1;
      } else if (std::get_if<Lost>(&event->what) != nullptr) {
        owned.clear();
        losses += 1;
      }
      event = test_.others.erase(event);
    }
    if (!hold) acknowledge();
  }

  void acknowledge() {
    while (waiting > 0) {
      for (const TopicPartition& p : asked_back) owned.erase(p);
      asked_back.clear();
      membership_->acknowledge();
      waiting -= 1;
    }
  }

  GroupMembership& operator*() { return *membership_; }
  GroupMembership* operator->() { return membership_.get(); }

  std::set<TopicPartition> owned;
  std::vector<TopicPartition> asked_back;
  bool hold = false;
  int waiting = 0;
  int revocations = 0;
  int losses = 0;

 private:
  GroupConformance& test_;
  std::unique_ptr<GroupMembership> membership_;
};

// Effect: serves the members until the condition holds.
void serve_until(GroupConformance& test, std::vector<Member*> members, const std::string& what,
                 const std::function<bool()>& condition) {
  test.wait_until(what, [&] {
    for (Member* member : members) member->serve();
    return condition();
  });
}

TEST_P(GroupConformance, ALoneMemberGetsEveryPartition) {
  // One member has all partitions of the anchor topic, and a token.
  const std::string name = topic(4);
  Member one(*this, unique("group"), {name, 4});
  EXPECT_EQ(one->token(), std::nullopt);
  serve_until(*this, {&one}, "the partitions", [&] { return one.owned.size() == 4; });
  ASSERT_TRUE(one->token().has_value());
  EXPECT_GE(one->token()->generation, 0);
}

TEST_P(GroupConformance, TwoMembersShareThePartitions) {
  // Every partition has exactly one owner, and the shares are even.
  const std::string name = topic(4), group = unique("group");
  Member one(*this, group, {name, 4});
  serve_until(*this, {&one}, "the partitions", [&] { return one.owned.size() == 4; });
  Member two(*this, group, {name, 4});
  serve_until(*this, {&one, &two}, "the shares",
              [&] { return one.owned.size() == 2 && two.owned.size() == 2; });
  for (const TopicPartition& p : one.owned) EXPECT_FALSE(two.owned.contains(p));
  EXPECT_EQ(one.losses, 0);
}

TEST_P(GroupConformance, ARevokedPartitionWaitsForItsOwner) {
  // Nobody gets a partition before the one who has it has let go.
  const std::string name = topic(2), group = unique("group");
  Member one(*this, group, {name, 2});
  serve_until(*this, {&one}, "the partitions", [&] { return one.owned.size() == 2; });
  one.hold = true;
  Member two(*this, group, {name, 2});
  serve_until(*this, {&one, &two}, "the revocation", [&] { return one.revocations == 1; });
  pass(Duration(500));
  two.serve();
  EXPECT_TRUE(two.owned.empty());
  one.hold = false;
  serve_until(*this, {&one, &two}, "the shares",
              [&] { return one.owned.size() == 1 && two.owned.size() == 1; });
}

TEST_P(GroupConformance, ARevokedMemberMayCommitBeforeItAnswers) {
  // Between Revoked and its answer the token is good: the last commit of what is given up.
  const std::string name = topic(2), group = unique("group");
  Member one(*this, group, {name, 2});
  serve_until(*this, {&one}, "the partitions", [&] { return one.owned.size() == 2; });
  one.hold = true;
  Member two(*this, group, {name, 2});
  serve_until(*this, {&one, &two}, "the revocation", [&] { return one.revocations == 1; });
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  ASSERT_TRUE(one->token().has_value());
  EXPECT_TRUE(out.commit({{{name, Partition(0)}, Offset(3), ""}}, *one->token()).ok());
  one.hold = false;
  serve_until(*this, {&one, &two}, "the shares",
              [&] { return one.owned.size() == 1 && two.owned.size() == 1; });
  EXPECT_EQ(stable(group, {name, Partition(0)}).offset, Offset(3));
}

TEST_P(GroupConformance, ATokenOfAnOldGenerationIsRefused) {
  // After the group went on without it, a token commits nothing: kAbort.
  const std::string name = topic(2), group = unique("group");
  Member one(*this, group, {name, 2});
  serve_until(*this, {&one}, "the partitions", [&] { return one.owned.size() == 2; });
  const FencingToken old = *one->token();
  Member two(*this, group, {name, 2});
  serve_until(*this, {&one, &two}, "the shares",
              [&] { return one.owned.size() == 1 && two.owned.size() == 1; });
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  EXPECT_TRUE(
      has_code(out.commit({{{name, Partition(0)}, Offset(3), ""}}, old), Consequence::kAbort));
  ASSERT_TRUE(out.abort().ok());
  EXPECT_EQ(stable(group, {name, Partition(0)}).offset, kNoOffset);
}

TEST_P(GroupConformance, WhoLeavesGivesItsPartitionsBack) {
  // After submit_leave() was answered the others get the partitions.
  const std::string name = topic(2), group = unique("group");
  Member one(*this, group, {name, 2});
  Member two(*this, group, {name, 2});
  serve_until(*this, {&one, &two}, "the shares",
              [&] { return one.owned.size() == 1 && two.owned.size() == 1; });
  const OperationId id = next_id();
  one->submit_leave(id);
  EXPECT_TRUE(done(id).ok());
  EXPECT_EQ(one->token(), std::nullopt);
  serve_until(*this, {&two}, "all partitions", [&] { return two.owned.size() == 2; });
}

}  // namespace
}  // namespace millrace::conformance
