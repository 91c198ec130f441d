// The states of a task and of the membership, as tables beside the producer's (ENGINE §1). Pure: no
// I/O, every event has an answer in every state.
//
//   Created ──offsets known──▶ Restoring ──stores full──▶ Running ◀──resumed── BackingOff
//      └────────────┴── asked back, lost ──▶ Closed ◀── let go ── Closing ◀── asked back ── Running
#pragma once

#include <string_view>

namespace millrace::worker {

enum class TaskState { kCreated, kRestoring, kRunning, kBackingOff, kClosing, kClosed };
inline constexpr int kTaskStates = 6;

enum class TaskEvent {
  kOffsetsKnown,
  kRestored,
  kFailed,    // a user's function, a serde, an undecodable state
  kResumed,   // after a back-off
  kRevoked,   // asked back
  kReleased,  // the transaction that it was part of is over
  kLost,      // others' already
};
inline constexpr int kTaskEvents = 7;

TaskState next_state(TaskState state, TaskEvent event);

// Whether the task takes part in the worker's transaction: its changes are committed and undone.
constexpr bool in_transaction(TaskState state) {
  return state == TaskState::kRunning || state == TaskState::kBackingOff ||
         state == TaskState::kClosing;
}

// Whether the task is on its way to Running for the first time.
constexpr bool is_opening(TaskState state) {
  return state == TaskState::kCreated || state == TaskState::kRestoring;
}

enum class MembershipState { kJoining, kStable, kRevoking, kLost, kLeaving, kLeft };
inline constexpr int kMembershipStates = 6;

enum class MembershipEvent { kAssigned, kRevoked, kAcknowledged, kLost, kLeave, kLeft };
inline constexpr int kMembershipEvents = 6;

MembershipState next_state(MembershipState state, MembershipEvent event);

std::string_view to_string(TaskState state);
std::string_view to_string(MembershipState state);

}  // namespace millrace::worker
