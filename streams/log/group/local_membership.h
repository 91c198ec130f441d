// A worker's side of a LocalGroup.
#pragma once

#include <memory>

#include "log/group/local_group.h"

namespace millrace::log {

// `epoch` is drawn from the log that the worker uses. Destroyed without having left, the member gives
// everything back at once. REQUIRES: the inbox outlives the membership.
std::unique_ptr<GroupMembership> make_local_membership(std::shared_ptr<LocalGroup> group,
                                                       Epoch epoch, Inbox& inbox);

}  // namespace millrace::log
