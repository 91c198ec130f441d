#include "log/group/local_membership.h"

#include <string>
#include <utility>
#include <vector>

#include "millrace/detail/assert.h"

namespace millrace::log {

namespace {

class LocalMembership final : public GroupMembership {
 public:
  LocalMembership(std::shared_ptr<LocalGroup> group, Epoch epoch, Inbox& inbox)
      : group_(std::move(group)), epoch_(epoch), inbox_(inbox) {}
  ~LocalMembership() override { group_->leave(member_); }

  Epoch epoch() const override { return epoch_; }
  void join(std::vector<AnchorTopic> anchors) override {
    MILLRACE_ASSERT(member_.empty(), "a member joins once");
    member_ = group_->join(epoch_, inbox_, anchors);
  }
  void acknowledge() override {
    has_answered_ = true;
    group_->answered(member_);
  }
  void kick() override {}
  bool waits_for_answers() const override { return true; }
  // None before the first answer: nothing was taken up that could be committed.
  std::optional<FencingToken> token() const override {
    return has_answered_ ? group_->token(member_) : std::nullopt;
  }
  void submit_leave(OperationId id) override {
    group_->leave(member_);
    inbox_.push({epoch_, id, Status::success(), Done{}});
  }

 private:
  const std::shared_ptr<LocalGroup> group_;
  const Epoch epoch_;
  Inbox& inbox_;
  std::string member_;  // as the group knows it; empty before joining
  bool has_answered_ = false;
};

}  // namespace

std::unique_ptr<GroupMembership> make_local_membership(std::shared_ptr<LocalGroup> group,
                                                       Epoch epoch, Inbox& inbox) {
  return std::make_unique<LocalMembership>(std::move(group), epoch, inbox);
}

}  // namespace millrace::log
