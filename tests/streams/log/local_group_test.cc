// A group of threads in one process, stepped by one thread: shares, answers, tokens.
#include "log/group/local_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "log/group/local_membership.h"

namespace millrace::log {
namespace {

const std::vector<AnchorTopic> kAnchors{{"a", 7}, {"b", 4}};
constexpr std::size_t kPartitions = 11;

// A worker that keeps what it owns as the events say.
class Member {
 public:
  explicit Member(LocalGroups& groups, int members_at_start = 1)
      : membership_(make_local_membership(groups.find("g", members_at_start), Epoch(7), inbox_)) {
    membership_->join(kAnchors);
  }

  // Effect: reads at most one event. Returns whether one came.
  bool read() {
    Event event;
    if (!inbox_.pop(event)) return false;
    EXPECT_EQ(event.epoch, Epoch(7));
    if (const auto* assigned = std::get_if<Assigned>(&event.what)) {
      for (const TopicPartition& where : assigned->partitions)
        EXPECT_TRUE(owned.insert(where).second);
      unanswered = true;
    } else if (const auto* revoked = std::get_if<Revoked>(&event.what)) {
      revoking = revoked->partitions;
      unanswered = true;
    } else {
      EXPECT_TRUE(std::holds_alternative<Done>(event.what));
      left = true;
    }
    return true;
  }
  void answer() {
    if (!unanswered) return;
    unanswered = false;
    for (const TopicPartition& where : revoking) EXPECT_EQ(owned.erase(where), 1u);
    revoking.clear();
    membership_->acknowledge();
  }
  void leave() {
    owned.clear();
    membership_->submit_leave(OperationId(1));
  }
  std::optional<FencingToken> token() const { return membership_->token(); }

  std::set<TopicPartition> owned;
  std::vector<TopicPartition> revoking;
  bool unanswered = false;
  bool left = false;

 private:
  Inbox inbox_;
  std::unique_ptr<GroupMembership> membership_;
};

using Members = std::vector<std::unique_ptr<Member>>;

void settle(const Members& members) {
  for (bool busy = true; busy;) {
    busy = false;
    for (const auto& member : members) {
      busy = member->read() || member->unanswered || busy;
      member->answer();
    }
  }
}

// Returns how many partitions have an owner; none has two.
std::size_t owned(const Members& members) {
  std::set<TopicPartition> all;
  std::size_t sum = 0;
  for (const auto& member : members) {
    all.insert(member->owned.begin(), member->owned.end());
    sum += member->owned.size();
  }
  EXPECT_EQ(all.size(), sum);
  return sum;
}

void expect_even(const Members& members) {
  std::vector<std::size_t> shares;
  for (const auto& member : members) shares.push_back(member->owned.size());
  const auto [least, most] = std::ranges::minmax(shares);
  EXPECT_LE(most - least, 1u);
}

// Whatever order members come, answer, leave and die in: no partition ever has two owners; at rest
// every partition has one, shares are even, and everybody's token is good.
TEST(LocalGroup, RandomLivesOfMembersNeverShareAPartition) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    LocalGroups groups;
    Members members;
    for (int i = 0; i < 200; ++i) {
      const std::size_t what = below(20);
      if (members.empty() || (what == 0 && members.size() < 6)) {
        members.push_back(std::make_unique<Member>(groups));
      } else if (what == 1) {  // leaves, with or without a word
        const auto who = members.begin() + static_cast<std::ptrdiff_t>(below(members.size()));
        if (below(2) == 0) (*who)->leave();
        members.erase(who);
      } else if (what < 10) {
        members[below(members.size())]->read();
      } else {
        members[below(members.size())]->answer();
      }
      owned(members);
    }
    if (members.empty()) continue;
    settle(members);
    ASSERT_EQ(owned(members), kPartitions);
    expect_even(members);
    for (const auto& member : members) {
      ASSERT_TRUE(member->token());
      EXPECT_TRUE(groups.check(*member->token()).ok());
    }
  }
}

// A member that comes or goes moves no more partitions than the even shares need.
TEST(LocalGroup, WhatNeedNotMoveStays) {
  LocalGroups groups;
  Members members;
  for (int i = 0; i < 4; ++i) {
    std::vector<std::set<TopicPartition>> before;
    for (const auto& member : members) before.push_back(member->owned);
    members.push_back(std::make_unique<Member>(groups));
    settle(members);
    for (std::size_t m = 0; m < before.size(); ++m)
      EXPECT_TRUE(std::ranges::includes(before[m], members[m]->owned));
  }
  std::vector<std::set<TopicPartition>> before;
  members.erase(members.begin());
  for (const auto& member : members) before.push_back(member->owned);
  settle(members);
  EXPECT_EQ(owned(members), kPartitions);
  for (std::size_t m = 0; m < before.size(); ++m)
    EXPECT_TRUE(std::ranges::includes(members[m]->owned, before[m]));
}

TEST(LocalGroup, NobodyGetsAPartitionBeforeItsOwnerLetGo) {
  LocalGroups groups;
  Members members;
  members.push_back(std::make_unique<Member>(groups));
  settle(members);
  members.push_back(std::make_unique<Member>(groups));
  ASSERT_TRUE(members[0]->read());
  EXPECT_EQ(members[0]->revoking.size(), 5u);
  while (members[1]->read()) members[1]->answer();
  EXPECT_TRUE(members[1]->owned.empty());
  EXPECT_TRUE(groups.check(*members[0]->token()).ok()) << "its last commit of what it gives up";
  members[0]->answer();
  settle(members);
  EXPECT_EQ(members[1]->owned.size(), 5u);
}

TEST(LocalGroup, ATokenIsRefusedOnceItsMemberLetGoOrIsGone) {
  LocalGroups groups;
  EXPECT_EQ(groups.check({"g", 1, "nobody"}).consequence(), Consequence::kAbort);
  Members members;
  members.push_back(std::make_unique<Member>(groups));
  settle(members);
  const FencingToken old = *members[0]->token();
  members.push_back(std::make_unique<Member>(groups));
  settle(members);
  EXPECT_EQ(groups.check(old).consequence(), Consequence::kAbort);
  const FencingToken last = *members[0]->token();
  members[0]->leave();
  EXPECT_TRUE(members[0]->read());
  EXPECT_TRUE(members[0]->left);
  EXPECT_EQ(members[0]->token(), std::nullopt);
  EXPECT_EQ(groups.check(last).consequence(), Consequence::kAbort);
}

TEST(LocalGroup, AnAnswerThatNobodyAskedForDoesNothing) {
  LocalGroups groups;
  Members members;
  members.push_back(std::make_unique<Member>(groups));
  members[0]->unanswered = true;
  members[0]->answer();  // to the first Assigned, which it has not read yet
  members[0]->unanswered = true;
  members[0]->answer();
  members.push_back(std::make_unique<Member>(groups));
  EXPECT_TRUE(members[0]->read());
  EXPECT_EQ(members[0]->owned.size(), kPartitions);
  EXPECT_TRUE(members[0]->read());
  EXPECT_EQ(members[0]->revoking.size(), 5u);
}

TEST(LocalGroup, ThoseOfTheStartShareFromTheStart) {
  LocalGroups groups;
  Members members;
  for (int i = 0; i < 3; ++i) {
    settle(members);
    EXPECT_EQ(owned(members), 0u);
    members.push_back(std::make_unique<Member>(groups, 3));
  }
  for (const auto& member : members) {
    EXPECT_TRUE(member->read());
    member->answer();
    EXPECT_FALSE(member->read()) << "nothing moves again";
  }
  EXPECT_EQ(owned(members), kPartitions);
  expect_even(members);
  members.erase(members.begin(), members.begin() + 2);
  settle(members);
  EXPECT_EQ(owned(members), kPartitions) << "later, whoever is there shares";
}

TEST(LocalGroup, GroupsOfOtherNamesAreOthers) {
  LocalGroups groups;
  Inbox inbox;
  const auto one = make_local_membership(groups.find("one"), Epoch(1), inbox);
  const auto two = make_local_membership(groups.find("two"), Epoch(2), inbox);
  one->join({{"a", 2}});
  two->join({{"a", 2}});
  Event event;
  for (const Epoch epoch : {Epoch(1), Epoch(2)}) {
    ASSERT_TRUE(inbox.pop(event));
    EXPECT_EQ(event.epoch, epoch);
    EXPECT_EQ(std::get<Assigned>(event.what).partitions.size(), 2u);
  }
  EXPECT_EQ(one->token(), std::nullopt) << "nothing was taken up yet";
  one->acknowledge();
  FencingToken crossed = *one->token();
  crossed.group = "two";
  EXPECT_FALSE(groups.check(crossed).ok());
}

}  // namespace
}  // namespace millrace::log
