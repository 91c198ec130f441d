#include "log/group/group_rounds.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "log/group/assignor.h"
#include "millrace/detail/assert.h"

namespace millrace::log {

namespace {

std::set<TopicPartition> minus(const std::set<TopicPartition>& from,
                               const std::set<TopicPartition>& what) {
  std::set<TopicPartition> rest;
  std::ranges::set_difference(from, what, std::inserter(rest, rest.end()));
  return rest;
}

std::vector<TopicPartition> listed(const std::set<TopicPartition>& partitions) {
  return {partitions.begin(), partitions.end()};
}

}  // namespace

GroupRounds::Member& GroupRounds::add() {
  Member& member = members_.emplace_back();
  member.id = name_ + "-member-" + std::to_string(++joined_);
  wanted_ = true;
  return member;
}

std::string GroupRounds::join(const std::vector<AnchorTopic>& anchors) {
  Member& member = add();
  for (const AnchorTopic& anchor : anchors) member.anchors[anchor.name] = anchor.partitions;
  return member.id;
}

std::string GroupRounds::join_taking(std::set<TopicPartition> wants) {
  Member& member = add();
  member.wants = std::move(wants);
  return member.id;
}

void GroupRounds::answered(const std::string& id) {
  Member* member = seat(id);
  if (member == nullptr || !member->waiting) return;
  member->waiting = false;
  member->owned = minus(member->owned, member->revoking);
  member->revoking.clear();
}

void GroupRounds::leave(const std::string& id) {
  if (std::erase_if(members_, [&](const Member& member) { return member.id == id; }) > 0)
    wanted_ = true;
}

void GroupRounds::set_present(const std::string& id, bool present) {
  if (Member* member = seat(id)) member->present = present;
}

bool GroupRounds::due() const {
  return wanted_ && std::ranges::none_of(members_, [](const Member& member) {
           return member.waiting || !member.present;
         });
}

std::vector<GroupNotice> GroupRounds::end_round() {
  MILLRACE_ASSERT(due(), "a round ends once every member has answered");
  ++generation_;
  std::vector<AssignorMember> sharing;
  std::set<TopicPartition> taken;
  std::set<TopicPartition> owned_before;
  for (const Member& member : members_) {
    owned_before.insert(member.owned.begin(), member.owned.end());
    if (member.wants) {
      taken.insert(member.wants->begin(), member.wants->end());
    } else {
      sharing.push_back({member.anchors, member.owned});
    }
  }
  const std::vector<std::set<TopicPartition>> shares = assign_sticky(sharing, taken);
  std::vector<GroupNotice> notices;
  auto next = shares.begin();
  for (Member& member : members_)
    notices.push_back(share(member, member.wants ? *member.wants : *next++, owned_before));
  wanted_ = std::ranges::any_of(members_, [](const Member& m) { return !m.revoking.empty(); });
  return notices;
}

GroupNotice GroupRounds::share(Member& member, const std::set<TopicPartition>& share,
                               const std::set<TopicPartition>& owned_before) {
  GroupNotice notice{.member = member.id, .generation = generation_};
  member.revoking = minus(member.owned, share);
  if (!member.revoking.empty()) {
    notice.kind = GroupNotice::Kind::kRevoked;
    notice.partitions = listed(member.revoking);
  } else {
    const std::set<TopicPartition> added = minus(share, owned_before);
    if (!added.empty() || !member.has_heard) notice.kind = GroupNotice::Kind::kAssigned;
    notice.partitions = listed(added);
    member.owned.insert(added.begin(), added.end());
  }
  member.has_heard = true;
  member.waiting = !member.wants && notice.kind != GroupNotice::Kind::kGeneration;
  return notice;
}

Status GroupRounds::check(const FencingToken& token) const {
  if (find(token.member) == nullptr) {
    return Status::abort("UNKNOWN_MEMBER_ID: '" + token.member + "' is no member of group " +
                         name_);
  }
  if (token.generation != generation_) {
    return Status::abort("ILLEGAL_GENERATION: " + std::to_string(token.generation) + " in group " +
                         name_ + ", which is at " + std::to_string(generation_));
  }
  return Status::success();
}

GroupRounds::Member* GroupRounds::seat(const std::string& id) {
  const auto at = std::ranges::find(members_, id, &Member::id);
  return at == members_.end() ? nullptr : &*at;
}

const GroupRounds::Member* GroupRounds::find(const std::string& id) const {
  const auto at = std::ranges::find(members_, id, &Member::id);
  return at == members_.end() ? nullptr : &*at;
}

}  // namespace millrace::log
