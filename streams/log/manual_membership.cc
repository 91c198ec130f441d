#include "log/manual_membership.h"

#include "millrace/detail/assert.h"

namespace millrace::log {

ManualMembership::ManualMembership(MembershipOptions options, Epoch epoch, Inbox& inbox)
    : options_(std::move(options)), epoch_(epoch), inbox_(inbox) {}

void ManualMembership::join(std::vector<AnchorTopic> anchors) {
  MILLRACE_ASSERT(!joined_, "a member joins once");
  joined_ = true;
  Assigned assigned;
  for (const AnchorTopic& anchor : anchors) {
    for (std::int32_t p = 0; p < anchor.partitions; ++p) {
      assigned.partitions.push_back({anchor.name, Partition(p)});
    }
  }
  inbox_.push({epoch_, kNoOperation, Status::success(), std::move(assigned)});
}

std::optional<FencingToken> ManualMembership::token() const {
  if (!joined_) return std::nullopt;
  return FencingToken{.group = options_.group, .generation = -1, .member = ""};
}

void ManualMembership::submit_leave(OperationId id) {
  joined_ = false;
  inbox_.push({epoch_, id, Status::success(), Done{}});
}

}  // namespace millrace::log
