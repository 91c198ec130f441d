#include "log/memory/memory_membership.h"

#include <utility>

#include "millrace/detail/assert.h"

namespace millrace::log::memory {

MemoryMembership::MemoryMembership(MembershipOptions options, Broker& broker, Inbox& inbox)
    : Actor(broker.schedule),
      options_(std::move(options)),
      broker_(broker),
      inbox_(inbox),
      group_(broker.groups.find(options_.group)),
      epoch_(broker.next_epoch()) {
  broker_.memberships.emplace(epoch_, this);
}

MemoryMembership::~MemoryMembership() {
  broker_.memberships.erase(epoch_);
  group_.vanish(member_);
}

void MemoryMembership::join(std::vector<AnchorTopic> anchors) {
  MILLRACE_ASSERT(state_ == State::kNew, "a member joins once");
  anchors_ = std::move(anchors);
  state_ = State::kJoining;
  wake_if_needed();
}

void MemoryMembership::acknowledge() {
  if (!unanswered_) return;
  unanswered_ = false;
  answer_ = true;
  wake_if_needed();
}

std::optional<FencingToken> MemoryMembership::token() const {
  if (state_ != State::kIn || generation_ < 0) return std::nullopt;
  return FencingToken{.group = options_.group, .generation = generation_, .member = member_};
}

void MemoryMembership::submit_leave(OperationId id) {
  MILLRACE_ASSERT(!leave_, "a member leaves once");
  leave_ = id;
  state_ = State::kLeft;
  wake();
}

void MemoryMembership::set_connected(bool connected) {
  connected_ = connected;
  group_.set_connected(member_, connected);
  wake_if_needed();
}

void MemoryMembership::tell(GroupNotice notice) {
  if (state_ == State::kLeft) return;
  if (notice.kind == GroupNotice::Kind::kLost) notices_.clear();
  notices_.push_back(std::move(notice));
  wake_if_needed();
}

bool MemoryMembership::may_deliver() const {
  if (notices_.empty()) return false;
  // A member that is cut off finds out by its own clock that its session is over.
  return connected_ || notices_.front().kind == GroupNotice::Kind::kLost;
}

void MemoryMembership::wake_if_needed() {
  if (leave_ || may_deliver() || (connected_ && (answer_ || state_ == State::kJoining))) wake();
}

void MemoryMembership::act() {
  if (leave_) {
    group_.leave(member_);
    member_.clear();
    inbox_.push({epoch_, *std::exchange(leave_, std::nullopt), Status::success(), Done{}});
    return;
  }
  if (connected_ && answer_) {
    answer_ = false;
    group_.answered(member_);
  } else if (may_deliver()) {
    GroupNotice notice = std::move(notices_.front());
    notices_.pop_front();
    deliver(std::move(notice));
  } else if (connected_ && state_ == State::kJoining) {
    state_ = State::kIn;
    member_ = group_.join(*this, anchors_, options_.session_timeout);
  }
  wake_if_needed();
}

void MemoryMembership::deliver(GroupNotice notice) {
  generation_ = notice.generation;
  switch (notice.kind) {
    case GroupNotice::Kind::kGeneration:
      return;
    case GroupNotice::Kind::kAssigned:
      unanswered_ = true;
      inbox_.push(
          {epoch_, kNoOperation, Status::success(), Assigned{std::move(notice.partitions)}});
      return;
    case GroupNotice::Kind::kRevoked:
      unanswered_ = true;
      inbox_.push({epoch_, kNoOperation, Status::success(), Revoked{std::move(notice.partitions)}});
      return;
    case GroupNotice::Kind::kLost:
      unanswered_ = false;
      answer_ = false;
      member_.clear();
      state_ = State::kJoining;
      inbox_.push({epoch_, kNoOperation, Status::success(), Lost{}});
      return;
  }
}

}  // namespace millrace::log::memory
