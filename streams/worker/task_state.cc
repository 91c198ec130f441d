#include "worker/task_state.h"

#include <array>
#include <cstddef>

namespace millrace::worker {

namespace {

using T = TaskState;
using M = MembershipState;

// One row an event; columns: Created, Restoring, Running, BackingOff, Closing, Closed.
constexpr std::array<std::array<T, kTaskStates>, kTaskEvents> kTaskTable = {{
    /* kOffsetsKnown */ {T::kRestoring, T::kRestoring, T::kRunning, T::kBackingOff, T::kClosing,
                         T::kClosed},
    /* kRestored     */
    {T::kCreated, T::kRunning, T::kRunning, T::kBackingOff, T::kClosing, T::kClosed},
    /* kFailed       */
    {T::kBackingOff, T::kBackingOff, T::kBackingOff, T::kBackingOff, T::kClosing, T::kClosed},
    /* kResumed      */
    {T::kCreated, T::kRestoring, T::kRunning, T::kRunning, T::kClosing, T::kClosed},
    // A task that never ran has nothing to commit, so nobody waits for it.
    /* kRevoked      */ {T::kClosed, T::kClosed, T::kClosing, T::kClosing, T::kClosing, T::kClosed},
    /* kReleased     */
    {T::kCreated, T::kRestoring, T::kRunning, T::kBackingOff, T::kClosed, T::kClosed},
    /* kLost         */ {T::kClosed, T::kClosed, T::kClosed, T::kClosed, T::kClosed, T::kClosed},
}};

// Columns: Joining, Stable, Revoking, Lost, Leaving, Left. Leaving is final but for kLeft.
constexpr std::array<std::array<M, kMembershipStates>, kMembershipEvents> kMembershipTable = {{
    /* kAssigned     */ {M::kStable, M::kStable, M::kRevoking, M::kStable, M::kLeaving, M::kLeft},
    /* kRevoked      */ {M::kRevoking, M::kRevoking, M::kRevoking, M::kLost, M::kLeaving, M::kLeft},
    /* kAcknowledged */ {M::kJoining, M::kStable, M::kStable, M::kLost, M::kLeaving, M::kLeft},
    /* kLost         */ {M::kLost, M::kLost, M::kLost, M::kLost, M::kLeaving, M::kLeft},
    /* kLeave        */ {M::kLeaving, M::kLeaving, M::kLeaving, M::kLeaving, M::kLeaving, M::kLeft},
    /* kLeft         */ {M::kLeft, M::kLeft, M::kLeft, M::kLeft, M::kLeft, M::kLeft},
}};

}  // namespace

TaskState next_state(TaskState state, TaskEvent event) {
  return kTaskTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];
}

MembershipState next_state(MembershipState state, MembershipEvent event) {
  return kMembershipTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];
}

std::string_view to_string(TaskState state) {
  static constexpr std::array<std::string_view, kTaskStates> kNames = {
      "Created", "Restoring", "Running", "BackingOff", "Closing", "Closed"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(MembershipState state) {
  static constexpr std::array<std::string_view, kMembershipStates> kNames = {
      "Joining", "Stable", "Revoking", "Lost", "Leaving", "Left"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace millrace::worker
