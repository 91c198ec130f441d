#include "worker/producer_state.h"

#include <array>
#include <cstddef>

namespace millrace::worker {

namespace {

using S = ProducerState;
using A = Action;

using Row = std::array<Decision, kProducerStates>;

constexpr Decision stay(S state, A actions = A::kNone) { return {state, actions}; }

// One row an event, one column a state: Idle, Open, Draining, Committing, Aborting, Rotating.
constexpr std::array<Row, kProducerEvents> kTable = {{
    // kStep: only a transaction that takes records takes one.
    {{{S::kOpen, A::kRunStep},
      {S::kOpen, A::kRunStep},
      stay(S::kDraining),
      stay(S::kCommitting),
      stay(S::kAborting),
      stay(S::kRotating)}},
    // kMembershipGrew: a new task's first record waits for the next open transaction by itself.
    {{stay(S::kIdle), stay(S::kOpen), stay(S::kDraining), stay(S::kCommitting), stay(S::kAborting),
      stay(S::kRotating)}},
    // kRevoked: never hold back the group for longer than the transaction at hand; while the
    // outcome
    // is with the broker it decides, and the new owner reads stable offsets.
    {{stay(S::kIdle, A::kCloseRevoked | A::kAcknowledgeNow),
      {S::kDraining, A::kStartCommit | A::kAcknowledgeAtEnd},
      stay(S::kDraining, A::kAcknowledgeAtEnd),
      stay(S::kCommitting, A::kAcknowledgeAtEnd),
      stay(S::kAborting, A::kAcknowledgeAtEnd),
      stay(S::kRotating, A::kCloseRevoked | A::kAcknowledgeNow)}},
    // kRevokeOverdue: being thrown out of the group costs more than an uncertain transaction. In
    // Rotating where they were asked back before that.
    {{stay(S::kIdle),
      stay(S::kOpen),
      {S::kRotating, A::kRotate | A::kCloseRevoked | A::kAcknowledgeNow},
      {S::kRotating, A::kRotate | A::kCloseRevoked | A::kAcknowledgeNow},
      {S::kRotating, A::kRotate | A::kCloseRevoked | A::kAcknowledgeNow},
      stay(S::kRotating, A::kCloseRevoked | A::kAcknowledgeNow)}},
    // kLost
    {{stay(S::kIdle, A::kCloseLost),
      {S::kAborting, A::kSubmitAbort | A::kCloseLost},
      {S::kAborting, A::kSubmitAbort | A::kCloseLost},
      stay(S::kCommitting, A::kCloseLostAtEnd),
      stay(S::kAborting, A::kCloseLost),
      stay(S::kRotating, A::kCloseLost)}},
    // kCompletedOk: of the flush, the commit, the abort, the new producer's init.
    {{stay(S::kIdle),
      stay(S::kOpen),
      {S::kCommitting, A::kSubmitCommit},
      {S::kIdle, A::kPublish},
      {S::kIdle, A::kReplay},
      stay(S::kRotating, A::kResolve)}},
    // kCompletedAbort
    {{stay(S::kIdle),
      stay(S::kOpen),
      {S::kAborting, A::kSubmitAbort},
      {S::kAborting, A::kSubmitAbort},
      {S::kRotating, A::kRotate},
      stay(S::kRotating, A::kRetryRotation)}},
    // kProducerGone
    {{{S::kRotating, A::kRotate},
      {S::kRotating, A::kRotate},
      {S::kRotating, A::kRotate},
      {S::kRotating, A::kRotate},
      {S::kRotating, A::kRotate},
      stay(S::kRotating, A::kRetryRotation)}},
    // kRefused: asking again would not help. The outcome of a commit is found out first; a log that
    // refuses even a producer cannot be asked.
    {{{S::kRotating, A::kStopAtEnd | A::kRotate},
      {S::kRotating, A::kStopAtEnd | A::kRotate},
      {S::kRotating, A::kStopAtEnd | A::kRotate},
      {S::kRotating, A::kStopAtEnd | A::kRotate},
      {S::kRotating, A::kStopAtEnd | A::kRotate},
      stay(S::kRotating, A::kStop)}},
    // kDeliveryFailed: the sequence numbers behind the lost record are wrong, so the next
    // transaction
    // of this producer would fail too (KAFKA_CLIENT §2.3): abort, then rotate.
    {{{S::kAborting, A::kSubmitAbort | A::kRotateAtEnd},
      {S::kAborting, A::kSubmitAbort | A::kRotateAtEnd},
      {S::kAborting, A::kSubmitAbort | A::kRotateAtEnd},
      {S::kRotating, A::kRotate},
      stay(S::kAborting, A::kRotateAtEnd),
      stay(S::kRotating)}},
    // kCommitDue
    {{{S::kDraining, A::kStartCommit},
      {S::kDraining, A::kStartCommit},
      stay(S::kDraining, A::kRearm),
      stay(S::kCommitting, A::kRearm),
      stay(S::kAborting, A::kRearm),
      stay(S::kRotating, A::kRearm)}},
    // kTaskFailed: can only come from a step or from serializing what a step left.
    {{{S::kAborting, A::kSubmitAbort | A::kBackOffTask},
      {S::kAborting, A::kSubmitAbort | A::kBackOffTask},
      {S::kAborting, A::kSubmitAbort | A::kBackOffTask},
      stay(S::kCommitting, A::kBackOffTask),
      stay(S::kAborting, A::kBackOffTask),
      stay(S::kRotating, A::kBackOffTask)}},
    // kItemLeftOut: as a failed task's, but that the task goes on.
    {{{S::kAborting, A::kSubmitAbort},
      {S::kAborting, A::kSubmitAbort},
      {S::kAborting, A::kSubmitAbort},
      stay(S::kCommitting),
      stay(S::kAborting),
      stay(S::kRotating)}},
    // kResolvedCommitted
    {{stay(S::kIdle),
      stay(S::kOpen),
      stay(S::kDraining),
      stay(S::kCommitting),
      stay(S::kAborting),
      {S::kIdle, A::kPublish}}},
    // kResolvedAborted
    {{stay(S::kIdle),
      stay(S::kOpen),
      stay(S::kDraining),
      stay(S::kCommitting),
      stay(S::kAborting),
      {S::kIdle, A::kReplay}}},
}};

}  // namespace

Decision decide(ProducerState state, ProducerEvent event) {
  return kTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];
}

std::string_view to_string(ProducerState state) {
  static constexpr std::array<std::string_view, kProducerStates> kNames = {
      "Idle", "Open", "Draining", "Committing", "Aborting", "Rotating"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(ProducerEvent event) {
  static constexpr std::array<std::string_view, kProducerEvents> kNames = {
      "step",          "membership grew",     "revoked",          "revoke overdue",
      "lost",          "completed",           "completed abort",  "producer gone",
      "refused",       "delivery failed",     "commit due",       "task failed",
      "item left out", "resolved: committed", "resolved: aborted"};
  return kNames[static_cast<std::size_t>(event)];
}

}  // namespace millrace::worker
