// The tables of task and membership: what must hold in all of them, and the ways through that
// matter.
#include "worker/task_state.h"

#include <gtest/gtest.h>

#include <array>

namespace millrace::worker {
namespace {

constexpr std::array<TaskState, kTaskStates> kStates = {TaskState::kCreated, TaskState::kRestoring,
                                                        TaskState::kRunning, TaskState::kBackingOff,
                                                        TaskState::kClosing, TaskState::kClosed};
constexpr std::array<TaskEvent, kTaskEvents> kEvents = {
    TaskEvent::kOffsetsKnown, TaskEvent::kRestored, TaskEvent::kFailed, TaskEvent::kResumed,
    TaskEvent::kRevoked,      TaskEvent::kReleased, TaskEvent::kLost};

// A task gets to run only through its offsets and its stores.
TEST(TaskStates, RunAfterOffsetsAndStores) {
  TaskState state = TaskState::kCreated;
  state = next_state(state, TaskEvent::kRestored);
  EXPECT_EQ(state, TaskState::kCreated)
      << "stores cannot be full before anybody knows where to go on";
  state = next_state(state, TaskEvent::kOffsetsKnown);
  EXPECT_EQ(state, TaskState::kRestoring);
  state = next_state(state, TaskEvent::kRestored);
  EXPECT_EQ(state, TaskState::kRunning);
}

// What was asked back or lost never runs again: no event leads from Closing or Closed to anywhere
// else.
TEST(TaskStates, NeverComeBackFromClosing) {
  for (const TaskEvent event : kEvents) {
    EXPECT_EQ(next_state(TaskState::kClosed, event), TaskState::kClosed);
    const TaskState after = next_state(TaskState::kClosing, event);
    EXPECT_TRUE(after == TaskState::kClosing || after == TaskState::kClosed);
  }
}

// A task that is asked back is kept only while a transaction needs it.
TEST(TaskStates, AskedBackWithinATransactionWaitForItsEnd) {
  for (const TaskState state : kStates) {
    const TaskState after = next_state(state, TaskEvent::kRevoked);
    const bool kept = state != TaskState::kClosed && in_transaction(state);
    EXPECT_EQ(after, kept ? TaskState::kClosing : TaskState::kClosed);
    EXPECT_EQ(next_state(after, TaskEvent::kReleased), TaskState::kClosed);
  }
}

// Lost closes from every state at once: others have the tasks already.
TEST(TaskStates, LostClosesAtOnce) {
  for (const TaskState state : kStates)
    EXPECT_EQ(next_state(state, TaskEvent::kLost), TaskState::kClosed);
}

// A failed task runs again only when it is resumed.
TEST(TaskStates, FailedTasksBackOffUntilResumed) {
  TaskState state = next_state(TaskState::kRunning, TaskEvent::kFailed);
  EXPECT_EQ(state, TaskState::kBackingOff);
  state = next_state(state, TaskEvent::kRestored);
  EXPECT_EQ(state, TaskState::kBackingOff);
  EXPECT_EQ(next_state(state, TaskEvent::kResumed), TaskState::kRunning);
}

// The membership is Stable again only when what was asked back was answered.
TEST(MembershipStates, RevokingEndsWithTheAnswer) {
  MembershipState state = next_state(MembershipState::kJoining, MembershipEvent::kAssigned);
  EXPECT_EQ(state, MembershipState::kStable);
  state = next_state(state, MembershipEvent::kRevoked);
  state = next_state(state, MembershipEvent::kAssigned);
  EXPECT_EQ(state, MembershipState::kRevoking);
  EXPECT_EQ(next_state(state, MembershipEvent::kAcknowledged), MembershipState::kStable);
}

// After a loss only a new assignment helps; leaving ends in Left whatever else arrives.
TEST(MembershipStates, LostWaitsForAnAssignmentAndLeavingIsFinal) {
  EXPECT_EQ(next_state(MembershipState::kLost, MembershipEvent::kAcknowledged),
            MembershipState::kLost);
  EXPECT_EQ(next_state(MembershipState::kLost, MembershipEvent::kAssigned),
            MembershipState::kStable);
  for (const auto event :
       {MembershipEvent::kAssigned, MembershipEvent::kRevoked, MembershipEvent::kAcknowledged,
        MembershipEvent::kLost, MembershipEvent::kLeave}) {
    EXPECT_EQ(next_state(MembershipState::kLeaving, event), MembershipState::kLeaving);
    EXPECT_EQ(next_state(MembershipState::kLeft, event), MembershipState::kLeft);
  }
  EXPECT_EQ(next_state(MembershipState::kLeaving, MembershipEvent::kLeft), MembershipState::kLeft);
}

}  // namespace
}  // namespace millrace::worker
