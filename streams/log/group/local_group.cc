#include "log/group/local_group.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace millrace::log {

void LocalGroup::expect(int members) {
  const std::lock_guard lock(mutex_);
  expected_ = std::max(expected_, members);
}

Status LocalGroup::check(const FencingToken& token) const {
  const std::lock_guard lock(mutex_);
  return rounds_.check(token);
}

Status LocalGroup::check_or_by_hand(const FencingToken& token) const {
  const std::lock_guard lock(mutex_);
  if (token.generation < 0 && rounds_.members().empty()) return Status::success();
  return rounds_.check(token);
}

std::string LocalGroup::join(Epoch epoch, Inbox& inbox, const std::vector<AnchorTopic>& anchors) {
  const std::lock_guard lock(mutex_);
  std::string member = rounds_.join(anchors);
  seats_.emplace(member, Seat{epoch, &inbox});
  end_due_rounds();
  return member;
}

void LocalGroup::answered(const std::string& member) {
  const std::lock_guard lock(mutex_);
  rounds_.answered(member);
  end_due_rounds();
}

void LocalGroup::leave(const std::string& member) {
  const std::lock_guard lock(mutex_);
  seats_.erase(member);
  rounds_.leave(member);
  end_due_rounds();
}

std::optional<FencingToken> LocalGroup::token(const std::string& member) const {
  const std::lock_guard lock(mutex_);
  const GroupRounds::Member* found = rounds_.find(member);
  if (found == nullptr || !found->has_heard) return std::nullopt;
  return FencingToken{.group = name_, .generation = rounds_.generation(), .member = member};
}

void LocalGroup::end_due_rounds() {
  if (rounds_.generation() == 0 && std::ssize(rounds_.members()) < expected_) return;
  while (rounds_.due()) {
    for (GroupNotice& notice : rounds_.end_round()) tell(std::move(notice));
  }
}

void LocalGroup::tell(GroupNotice notice) {
  const Seat& seat = seats_.at(notice.member);
  if (notice.kind == GroupNotice::Kind::kAssigned) {
    seat.inbox->push(
        {seat.epoch, kNoOperation, Status::success(), Assigned{std::move(notice.partitions)}});
  } else if (notice.kind == GroupNotice::Kind::kRevoked) {
    seat.inbox->push(
        {seat.epoch, kNoOperation, Status::success(), Revoked{std::move(notice.partitions)}});
  }
}

std::shared_ptr<LocalGroup> LocalGroups::find(const std::string& group, int members_at_start) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<LocalGroup>& found = groups_[group];
  if (!found) found = std::make_shared<LocalGroup>(group);
  found->expect(members_at_start);
  return found;
}

std::shared_ptr<LocalGroup> LocalGroups::find_existing(const std::string& group) const {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second;
}

Status LocalGroups::check(const FencingToken& token) const {
  const std::shared_ptr<LocalGroup> group = find_existing(token.group);
  return group ? group->check(token) : LocalGroup(token.group).check(token);
}

Status LocalGroups::check_or_by_hand(const FencingToken& token) const {
  const std::shared_ptr<LocalGroup> group = find_existing(token.group);
  return group ? group->check_or_by_hand(token) : LocalGroup(token.group).check_or_by_hand(token);
}

}  // namespace millrace::log
