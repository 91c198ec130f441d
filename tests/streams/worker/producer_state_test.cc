// The transaction's table: every event in every state, against the table as the design writes it
// down; then random walks, for what no single cell can show.
#include "worker/producer_state.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace millrace::worker {
namespace {

using S = ProducerState;
using E = ProducerEvent;

struct Cell {
  S next;
  std::vector<Action> actions;
};

// The table, row by row, in the order Idle, Open, Draining, Committing, Aborting, Rotating. Written
// from docs/design/worker_states.md, not from the code.
struct Row {
  E event;
  std::array<Cell, kProducerStates> cells;
};

constexpr S kStay[kProducerStates] = {S::kIdle,       S::kOpen,     S::kDraining,
                                      S::kCommitting, S::kAborting, S::kRotating};

// A row in which nothing happens, to begin with.
Row quiet(E event) {
  Row row{event, {}};
  for (int i = 0; i < kProducerStates; ++i) row.cells[static_cast<std::size_t>(i)] = {kStay[i], {}};
  return row;
}
Cell& at(Row& row, S state) { return row.cells[static_cast<std::size_t>(state)]; }

std::vector<Row> table() {
  std::vector<Row> rows;

  Row step = quiet(E::kStep);
  at(step, S::kIdle) = {S::kOpen, {Action::kRunStep}};
  at(step, S::kOpen) = {S::kOpen, {Action::kRunStep}};
  rows.push_back(step);

  rows.push_back(quiet(E::kMembershipGrew));

  Row revoked = quiet(E::kRevoked);
  at(revoked, S::kIdle).actions = {Action::kCloseRevoked, Action::kAcknowledgeNow};
  at(revoked, S::kOpen) = {S::kDraining, {Action::kStartCommit, Action::kAcknowledgeAtEnd}};
  at(revoked, S::kDraining).actions = {Action::kAcknowledgeAtEnd};
  at(revoked, S::kCommitting).actions = {Action::kAcknowledgeAtEnd};
  at(revoked, S::kAborting).actions = {Action::kAcknowledgeAtEnd};
  at(revoked, S::kRotating).actions = {Action::kCloseRevoked, Action::kAcknowledgeNow};
  rows.push_back(revoked);

  Row overdue = quiet(E::kRevokeOverdue);
  for (const S state : {S::kDraining, S::kCommitting, S::kAborting}) {
    at(overdue, state) = {S::kRotating,
                          {Action::kRotate, Action::kCloseRevoked, Action::kAcknowledgeNow}};
  }
  at(overdue, S::kRotating).actions = {Action::kCloseRevoked, Action::kAcknowledgeNow};
  rows.push_back(overdue);

  Row lost = quiet(E::kLost);
  at(lost, S::kIdle).actions = {Action::kCloseLost};
  at(lost, S::kOpen) = {S::kAborting, {Action::kSubmitAbort, Action::kCloseLost}};
  at(lost, S::kDraining) = {S::kAborting, {Action::kSubmitAbort, Action::kCloseLost}};
  at(lost, S::kCommitting).actions = {Action::kCloseLostAtEnd};
  at(lost, S::kAborting).actions = {Action::kCloseLost};
  at(lost, S::kRotating).actions = {Action::kCloseLost};
  rows.push_back(lost);

  Row ok = quiet(E::kCompletedOk);
  at(ok, S::kDraining) = {S::kCommitting, {Action::kSubmitCommit}};
  at(ok, S::kCommitting) = {S::kIdle, {Action::kPublish}};
  at(ok, S::kAborting) = {S::kIdle, {Action::kReplay}};
  at(ok, S::kRotating).actions = {Action::kResolve};
  rows.push_back(ok);

  Row abort = quiet(E::kCompletedAbort);
  at(abort, S::kDraining) = {S::kAborting, {Action::kSubmitAbort}};
  at(abort, S::kCommitting) = {S::kAborting, {Action::kSubmitAbort}};
  at(abort, S::kAborting) = {S::kRotating, {Action::kRotate}};
  at(abort, S::kRotating).actions = {Action::kRetryRotation};
  rows.push_back(abort);

  Row gone = quiet(E::kProducerGone);
  for (const S state : {S::kIdle, S::kOpen, S::kDraining, S::kCommitting, S::kAborting}) {
    at(gone, state) = {S::kRotating, {Action::kRotate}};
  }
  at(gone, S::kRotating).actions = {Action::kRetryRotation};
  rows.push_back(gone);

  Row refused = quiet(E::kRefused);
  for (const S state : {S::kIdle, S::kOpen, S::kDraining, S::kCommitting, S::kAborting}) {
    at(refused, state) = {S::kRotating, {Action::kStopAtEnd, Action::kRotate}};
  }
  at(refused, S::kRotating).actions = {Action::kStop};
  rows.push_back(refused);

  Row delivery = quiet(E::kDeliveryFailed);
  for (const S state : {S::kIdle, S::kOpen, S::kDraining}) {
    at(delivery, state) = {S::kAborting, {Action::kSubmitAbort, Action::kRotateAtEnd}};
  }
  at(delivery, S::kCommitting) = {S::kRotating, {Action::kRotate}};
  at(delivery, S::kAborting).actions = {Action::kRotateAtEnd};
  rows.push_back(delivery);

  Row due = quiet(E::kCommitDue);
  at(due, S::kIdle) = {S::kDraining, {Action::kStartCommit}};
  at(due, S::kOpen) = {S::kDraining, {Action::kStartCommit}};
  for (const S state : {S::kDraining, S::kCommitting, S::kAborting, S::kRotating}) {
    at(due, state).actions = {Action::kRearm};
  }
  rows.push_back(due);

  Row failed = quiet(E::kTaskFailed);
  for (const S state : {S::kIdle, S::kOpen, S::kDraining}) {
    at(failed, state) = {S::kAborting, {Action::kSubmitAbort, Action::kBackOffTask}};
  }
  for (const S state : {S::kCommitting, S::kAborting, S::kRotating})
    at(failed, state).actions = {Action::kBackOffTask};
  rows.push_back(failed);

  Row left_out = quiet(E::kItemLeftOut);
  for (const S state : {S::kIdle, S::kOpen, S::kDraining}) {
    at(left_out, state) = {S::kAborting, {Action::kSubmitAbort}};
  }
  rows.push_back(left_out);

  Row committed = quiet(E::kResolvedCommitted);
  at(committed, S::kRotating) = {S::kIdle, {Action::kPublish}};
  rows.push_back(committed);

  Row aborted = quiet(E::kResolvedAborted);
  at(aborted, S::kRotating) = {S::kIdle, {Action::kReplay}};
  rows.push_back(aborted);
  return rows;
}

class TableCell : public testing::TestWithParam<std::tuple<int, int>> {};

// Each cell of the table: the next state, and exactly these actions.
TEST_P(TableCell, IsAsTheDesignSays) {
  const auto [event, state] = GetParam();
  const Row row = table().at(static_cast<std::size_t>(event));
  const S before = kStay[state];
  const Cell& expected = row.cells[static_cast<std::size_t>(state)];
  const Decision decided = decide(before, row.event);
  EXPECT_EQ(decided.next, expected.next) << to_string(row.event) << " in " << to_string(before);
  Action actions = Action::kNone;
  for (const Action action : expected.actions) actions = actions | action;
  EXPECT_EQ(decided.actions, actions) << to_string(row.event) << " in " << to_string(before);
}

INSTANTIATE_TEST_SUITE_P(EveryEventInEveryState, TableCell,
                         testing::Combine(testing::Range(0, kProducerEvents),
                                          testing::Range(0, kProducerStates)));

// The table above has a row for every event, so that a new event cannot go untested.
TEST(Table, HasEveryEvent) {
  const auto rows = table();
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(kProducerEvents));
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(rows[i].event), i);
}

// Random walks: a transaction is published only after the log said that it was committed, every
// answer that a rebalance is owed is given, and fair events always lead back to Idle.
TEST(Walk, PublishesOnlyWhatTheLogCommitted) {
  const std::uint64_t seed =
      testing::UnitTest::GetInstance()->random_seed() == 0
          ? 1
          : static_cast<std::uint64_t>(testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int walk = 0; walk < 2'000; ++walk) {
    S state = S::kRotating;
    int owed = 0;  // answers to the membership
    for (int i = 0; i < 60; ++i) {
      const auto event = static_cast<E>(random() % kProducerEvents);
      const bool outcome_known = (state == S::kCommitting && event == E::kCompletedOk) ||
                                 (state == S::kRotating && event == E::kResolvedCommitted);
      if (event == E::kRevoked) ++owed;
      const Decision decision = decide(state, event);
      ASSERT_EQ(has(decision.actions, Action::kPublish), outcome_known)
          << to_string(event) << " in " << to_string(state);
      // A commit under way is never undone before its outcome is known.
      if (has(decision.actions, Action::kReplay)) {
        ASSERT_TRUE(state == S::kAborting || state == S::kRotating);
      }
      const bool over =
          has(decision.actions, Action::kPublish) || has(decision.actions, Action::kReplay);
      if (over || has(decision.actions, Action::kAcknowledgeNow)) owed = 0;
      state = decision.next;
      // Whoever is owed an answer waits for a transaction that is on its way to its end.
      if (owed > 0) {
        ASSERT_NE(state, S::kIdle) << "after " << to_string(event);
      }
      if (owed > 0) {
        ASSERT_NE(state, S::kOpen) << "after " << to_string(event);
      }
    }
    // Everything under way ends well from here on.
    for (int i = 0; state != S::kIdle && i < 6; ++i) {
      if (state == S::kOpen)
        state = decide(state, E::kCommitDue).next;
      else if (state == S::kRotating)
        state = decide(state, E::kResolvedAborted).next;
      else
        state = decide(state, E::kCompletedOk).next;
    }
    ASSERT_EQ(state, S::kIdle);
  }
}

}  // namespace
}  // namespace millrace::worker
