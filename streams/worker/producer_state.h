// The transaction's state machine: what a worker does with its producer, decided by a table and
// without any I/O. The worker feeds events in and carries out the actions that come back; the table
// is tested event by event, state by state (docs/design/worker_states.md).
//
//   Idle ──step──▶ Open ──commit due──▶ Draining ──all delivered──▶ Committing ──ok──▶ Idle
//                    │                     │                            │
//                    └───── a failure ─────┴────────▶ Aborting ─────────┴──▶ Idle, replaying
//                                                        │
//                 dead, in doubt, or too late ───────────┴──▶ Rotating ──a new producer──▶ Idle
#pragma once

#include <cstdint>
#include <string_view>

namespace millrace::worker {

enum class ProducerState {
  kIdle,        // no transaction
  kOpen,        // steps run in it
  kDraining,    // nothing more is sent; waiting for the reports of what was
  kCommitting,  // offsets and commit are with the coordinator: the outcome is not ours any more
  kAborting,
  kRotating,  // this producer is given up: a new one takes its transactional id
};
inline constexpr int kProducerStates = 6;

enum class ProducerEvent {
  kStep,            // a record or punctuation is ready to run
  kMembershipGrew,  // assigned, restore done, pause, resume, query
  kRevoked,         // some tasks are asked back
  kRevokeOverdue,   // and still not given after half of max.poll.interval
  kLost,            // all tasks are others' already
  kCompletedOk,     // of the operation that this state waits for
  kCompletedAbort,  // it failed; the transaction can be aborted
  kProducerGone,    // fenced, unknown outcome, deadline passed
  kRefused,         // the log will not do it for this application, however often it is asked
  kDeliveryFailed,  // a record will never be in the log
  kCommitDue,
  kTaskFailed,         // a user's function threw and nobody may skip it
  kItemLeftOut,        // something failed: the rest is replayed without it, or to find it
  kResolvedCommitted,  // the log says that the transaction in doubt was committed
  kResolvedAborted,    // or that it was not, or there was no doubt
};
inline constexpr int kProducerEvents = 15;

// What the worker is to do, in this order.
enum class Action : std::uint32_t {
  kNone = 0,
  kRunStep = 1u << 0,
  kAcknowledgeNow = 1u << 1,    // answer the membership at once
  kAcknowledgeAtEnd = 1u << 2,  // when this transaction is over, either way
  kCloseRevoked = 1u << 3,      // give up the asked-back tasks without publishing
  kStartCommit = 1u << 4,       // coalesce, write changes, hand everything out, flush
  kSubmitCommit = 1u << 5,      // token, offsets, commit
  kPublish = 1u << 6,           // the transaction is committed: forget undo
  kSubmitAbort = 1u << 7,
  kReplay = 1u << 8,     // undo and take the steps again, owned tasks only
  kCloseLost = 1u << 9,  // close all tasks, undone; their changes are nobody's
  kCloseLostAtEnd =
      1u << 10,             // the same at the outcome, published if committed; at once if in doubt
  kStopAtEnd = 1u << 11,    // when this transaction is over and its outcome known, the worker stops
  kRotate = 1u << 12,       // destroy the producer, make another, init it
  kRotateAtEnd = 1u << 13,  // after the abort
  kResolve = 1u << 14,      // the new producer is ready: find out what became of the last commit
  kRetryRotation = 1u << 15,  // after a back-off
  kRearm = 1u << 16,          // try the commit again later
  kBackOffTask = 1u << 17,    // the failed task runs no more until told
  kStop = 1u << 18,           // the worker stops now
};
constexpr Action operator|(Action a, Action b) {
  return static_cast<Action>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr bool has(Action set, Action one) {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(one)) != 0;
}

struct Decision {
  ProducerState next;
  Action actions;
};

// The table of ENGINE §1. Total: every event has an answer in every state.
Decision decide(ProducerState state, ProducerEvent event);

std::string_view to_string(ProducerState state);
std::string_view to_string(ProducerEvent event);

}  // namespace millrace::worker
