#include "log/group/assignor.h"

#include <algorithm>

namespace millrace::log {

namespace {

bool may_own(const AssignorMember& member, const TopicPartition& where) {
  const auto anchor = member.anchors.find(where.topic);
  return anchor != member.anchors.end() && where.partition.value() < anchor->second;
}

// Effect: moves one partition between the two members whose shares differ most, if by two or more:
// taken from any other, one that came from a third member could move again. Returns false where no
// such move is left.
bool move_one(const std::vector<AssignorMember>& members,
              std::vector<std::set<TopicPartition>>& shares) {
  std::size_t most = 1;
  std::size_t giver = 0;
  std::size_t taker = 0;
  TopicPartition moved;
  for (std::size_t from = 0; from < members.size(); ++from) {
    for (std::size_t to = 0; to < members.size(); ++to) {
      if (shares[from].size() <= shares[to].size() + most) continue;
      const auto last_movable =
          std::find_if(shares[from].rbegin(), shares[from].rend(),
                       [&](const TopicPartition& where) { return may_own(members[to], where); });
      if (last_movable == shares[from].rend()) continue;
      most = shares[from].size() - shares[to].size();
      giver = from;
      taker = to;
      moved = *last_movable;
    }
  }
  if (most < 2) return false;
  shares[giver].erase(moved);
  shares[taker].insert(std::move(moved));
  return true;
}

}  // namespace

std::vector<std::set<TopicPartition>> assign_sticky(const std::vector<AssignorMember>& members,
                                                    const std::set<TopicPartition>& taken) {
  std::vector<std::set<TopicPartition>> shares(members.size());
  std::set<TopicPartition> left;
  for (const AssignorMember& member : members) {
    for (const auto& [topic, partitions] : member.anchors) {
      for (std::int32_t p = 0; p < partitions; ++p) left.insert({topic, Partition(p)});
    }
  }
  for (const TopicPartition& where : taken) left.erase(where);

  for (std::size_t m = 0; m < members.size(); ++m) {
    for (const TopicPartition& where : members[m].owned) {
      if (may_own(members[m], where) && left.erase(where) > 0) shares[m].insert(where);
    }
  }
  for (const TopicPartition& where : left) {
    std::size_t least = members.size();
    for (std::size_t m = 0; m < members.size(); ++m) {
      if (may_own(members[m], where) &&
          (least == members.size() || shares[m].size() < shares[least].size())) {
        least = m;
      }
    }
    if (least < members.size()) shares[least].insert(where);
  }
  while (move_one(members, shares)) {
  }
  return shares;
}

}  // namespace millrace::log
