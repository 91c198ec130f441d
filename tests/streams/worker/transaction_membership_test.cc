// Tasks that are asked back, or lost, in each state of a transaction: when they are closed, and
// when the group gets its answer.
#include <string>

#include "streams/worker/transaction_fixture.h"

namespace millrace::worker {
namespace {

using TransactionMembership = TransactionTest;

TEST_F(TransactionMembership, RevokedWithNothingOpen) {
  start();
  transaction.revoked();
  EXPECT_EQ(happened(), "close-revoked acknowledge");
}

TEST_F(TransactionMembership, RevokedInAnOpenTransactionAnswersAfterItsCommit) {
  open();
  transaction.revoked();
  EXPECT_EQ(happened(), "write flush");
  EXPECT_EQ(complete(), "offsets commit");
  EXPECT_EQ(complete(), "PUBLISH close-revoked acknowledge");
}

TEST_F(TransactionMembership, RevokedWhileDrainingAndCommitting) {
  draining();
  transaction.revoked();
  EXPECT_EQ(complete(), "offsets commit");
  transaction.revoked();
  EXPECT_EQ(complete(), "PUBLISH close-revoked acknowledge");
}

TEST_F(TransactionMembership, RevokedAndThenAbortedIsNotReplayed) {
  committing();
  transaction.revoked();
  EXPECT_EQ(complete(Status::abort("no")), "abort");
  const std::string end = complete();
  EXPECT_EQ(end.rfind("close-revoked REPLAY", 0), 0u) << end;
  EXPECT_NE(end.find("acknowledge"), std::string::npos) << end;
}

TEST_F(TransactionMembership, RevokedWhileAborting) {
  aborting();
  transaction.revoked();
  EXPECT_EQ(happened(), "");
  const std::string end = complete();
  EXPECT_EQ(end.rfind("close-revoked REPLAY", 0), 0u) << end;
  EXPECT_NE(end.find("acknowledge"), std::string::npos) << end;
}

TEST_F(TransactionMembership, RevokedWhileRotatingIsAnsweredAtOnce) {
  rotating();
  transaction.revoked();
  EXPECT_EQ(happened(), "close-revoked acknowledge");
  EXPECT_EQ(complete(), "resolve-doubt");
}

TEST_F(TransactionMembership, RevokedThenInDoubtAnswersWhenTheDoubtIsOver) {
  committing();
  transaction.revoked();
  EXPECT_EQ(complete(Status::unknown("timed out")), "producer init");
  EXPECT_EQ(complete(), "resolve-doubt");
  transaction.resolved(true);
  EXPECT_EQ(happened(), "PUBLISH close-revoked acknowledge");
}

TEST_F(TransactionMembership, OverdueAnswersAreGivenAndTheProducerGivenUp) {
  for (const bool is_committing : {false, true}) {
    if (is_committing) {
      complete();
      transaction.resolved(false);
      go_on();
      step();
      transaction.commit_due();
      go_on();
      complete();
      journal.take();
      ASSERT_EQ(transaction.state(), ProducerState::kCommitting);
    } else {
      draining();
    }
    transaction.revoked();
    transaction.revoke_overdue();
    EXPECT_EQ(happened(), "close-revoked acknowledge producer init");
  }
  EXPECT_EQ(complete(), "resolve-doubt");
  transaction.resolved(true);
  EXPECT_EQ(happened().rfind("PUBLISH", 0), 0u);
}

TEST_F(TransactionMembership, OverdueWhileAborting) {
  aborting();
  transaction.revoked();
  transaction.revoke_overdue();
  EXPECT_EQ(happened(), "close-revoked acknowledge producer init");
  EXPECT_EQ(complete(), "resolve");
}

// The tasks were asked back while a commit was on its way, which then is in doubt for long.
TEST_F(TransactionMembership, OverdueWhileRotatingIsAnswered) {
  committing();
  transaction.revoked();
  EXPECT_EQ(complete(Status::unknown("timed out")), "producer init");
  complete(Status::retry("no broker"));
  transaction.revoke_overdue();
  EXPECT_EQ(happened(), "close-revoked acknowledge");
  clock.advance(*transaction.next_timer() - clock.monotonic());
  EXPECT_EQ(happened(), "producer init");
  EXPECT_EQ(complete(), "resolve-doubt");
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY") << "the group has its answer";
}

TEST_F(TransactionMembership, LostWithNothingOpen) {
  start();
  transaction.lost();
  EXPECT_EQ(happened(), "close-lost");
}

TEST_F(TransactionMembership, LostInAnOpenTransaction) {
  open();
  transaction.lost();
  EXPECT_EQ(happened(), "close-lost abort");
  EXPECT_EQ(complete(), "REPLAY");
}

TEST_F(TransactionMembership, LostWhileCommittingWaitsForTheOutcome) {
  committing();
  transaction.lost();
  EXPECT_EQ(happened(), "");
  EXPECT_EQ(complete(), "PUBLISH close-lost");
}

// What the log says about a lost task may be its next owner's: a commit of that one may carry the very
// number in doubt here. So nothing of it is published, and the doubt is about tasks that are held.
TEST_F(TransactionMembership, LostWhileCommittingInDoubt) {
  committing();
  transaction.lost();
  EXPECT_EQ(complete(Status::unknown("timed out")), "close-lost producer init");
  EXPECT_EQ(complete(), "resolve-doubt");
  transaction.resolved(true);
  EXPECT_EQ(happened(), "PUBLISH") << "the lost tasks are closed already";
}

TEST_F(TransactionMembership, LostWhileCommittingAndThenNotAborted) {
  committing();
  transaction.lost();
  EXPECT_EQ(complete(Status::abort("no")), "abort");
  EXPECT_EQ(complete(Status::unknown("timed out")), "close-lost producer init");
}

TEST_F(TransactionMembership, LostWhileAborting) {
  aborting();
  transaction.lost();
  EXPECT_EQ(happened(), "close-lost");
  EXPECT_EQ(complete(), "REPLAY");
}

TEST_F(TransactionMembership, LostWhileRotating) {
  rotating();
  transaction.lost();
  EXPECT_EQ(happened(), "close-lost");
  EXPECT_EQ(complete(), "resolve-doubt");
}

}  // namespace
}  // namespace millrace::worker
