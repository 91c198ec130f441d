// A member's side of a group: passes on what the coordinator tells, one notice at a time, and what
// the worker answers. After Lost it joins again by itself.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "log/inbox.h"
#include "log/memory/broker.h"

namespace millrace::log::memory {

class MemoryMembership final : public GroupMembership, private Actor, private GroupClient {
 public:
  MemoryMembership(MembershipOptions options, Broker& broker, Inbox& inbox);
  ~MemoryMembership() override;

  Epoch epoch() const override { return epoch_; }
  void join(std::vector<AnchorTopic> anchors) override;
  // Does nothing where no event waits for an answer: Lost takes back what was unanswered before it.
  void acknowledge() override;
  void kick() override {}
  std::optional<FencingToken> token() const override;
  void submit_leave(OperationId id) override;

  void set_connected(bool connected);

 private:
  enum class State { kNew, kJoining, kIn, kLeft };

  void act() override;
  void tell(GroupNotice notice) override;
  void wake_if_needed();
  bool may_deliver() const;
  void deliver(GroupNotice notice);

  const MembershipOptions options_;
  Broker& broker_;
  Inbox& inbox_;
  MemoryGroup& group_;
  const Epoch epoch_;
  std::vector<AnchorTopic> anchors_;
  State state_ = State::kNew;
  bool connected_ = true;
  std::string member_;            // as the coordinator knows it, from joining to Lost
  std::int32_t generation_ = -1;  // the last that was heard of; −1: none since joining
  std::deque<GroupNotice> notices_;
  bool unanswered_ = false;  // an event that waits for acknowledge()
  bool answer_ = false;      // to be passed on
  std::optional<OperationId> leave_;
};

}  // namespace millrace::log::memory
