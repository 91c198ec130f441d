// A group of one by agreement: every partition of the anchor topics is this worker's from the start
// until it leaves, and no generation is checked. For one worker on Kafka; groups with rebalancing
// stand behind the same interface.
#pragma once

#include <vector>

#include "log/inbox.h"
#include "log/log.h"

namespace millrace::log {

class ManualMembership final : public GroupMembership {
 public:
  ManualMembership(MembershipOptions options, Epoch epoch, Inbox& inbox);

  Epoch epoch() const override { return epoch_; }
  void join(std::vector<AnchorTopic> anchors) override;  // one Assigned event with all partitions
  void acknowledge() override {}
  void kick() override {}
  std::optional<FencingToken> token() const override;
  void submit_leave(OperationId id) override;

 private:
  const MembershipOptions options_;
  const Epoch epoch_;
  Inbox& inbox_;
  bool joined_ = false;
};

}  // namespace millrace::log
