// A transaction's life: what it asks of its log and of its worker, in which order, for each way in
// which an operation may end.
#include "streams/worker/transaction_fixture.h"

namespace millrace::worker {
namespace {

TEST_F(TransactionTest, ACommitFromTheFirstProducerToTheEnd) {
  transaction.start();
  EXPECT_FALSE(transaction.may_step());
  EXPECT_EQ(happened(), "producer init");
  EXPECT_EQ(complete(), "resolve");
  EXPECT_FALSE(transaction.may_step()) << "nobody knows yet who committed last";
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY");
  EXPECT_TRUE(transaction.may_step());

  step("a");
  EXPECT_EQ(happened(), "begin send:a");
  step("b");
  transaction.commit_due();
  EXPECT_EQ(happened(), "write send:b flush");
  EXPECT_FALSE(transaction.may_step());
  log.written = {{{"out", Partition(0)}, Offset(4), Offset(5)}};
  EXPECT_EQ(complete(), "offsets commit");
  ASSERT_EQ(log.offsets.size(), 1u);
  EXPECT_EQ(log.offsets[0].next, Offset(7));
  EXPECT_EQ(log.token.member, "me");
  EXPECT_EQ(complete(), "PUBLISH");
  ASSERT_EQ(host.published.size(), 1u);
  EXPECT_EQ(host.published[0].last, Offset(5));
  EXPECT_TRUE(transaction.may_step());
  EXPECT_EQ(transaction.counts().commits, 1);
}

TEST_F(TransactionTest, ChangesAreWrittenInSlicesAndSentAsTheyCome) {
  start();
  host.slices = 3;
  step("a");
  transaction.commit_due();
  EXPECT_EQ(happened(), "write begin send:a write write flush");
  EXPECT_EQ(complete(), "offsets commit");
}

TEST_F(TransactionTest, AnAbortBetweenTwoSlicesWritesNoMore) {
  start();
  host.slices = 3;
  step("a");
  transaction.commit_due();
  EXPECT_TRUE(transaction.pump());
  EXPECT_EQ(journal.take(), "write begin send:a");
  transaction.lost();
  EXPECT_EQ(happened(), "close-lost abort");
  EXPECT_EQ(complete(), "REPLAY");
  step("a");
  transaction.commit_due();
  EXPECT_EQ(happened(), "write begin send:a write write flush") << "from the beginning";
}

TEST_F(TransactionTest, ATransactionWithoutRecordsCommitsItsOffsets) {
  start();
  transaction.stepped();
  EXPECT_EQ(happened(), "");
  transaction.commit_due();
  EXPECT_EQ(happened(), "write begin flush");
  EXPECT_EQ(complete(), "offsets commit");
  EXPECT_EQ(complete(), "PUBLISH");
}

TEST_F(TransactionTest, CommitDueWithNothingRunYetStillCommits) {
  start();
  transaction.commit_due();
  EXPECT_EQ(happened(), "write begin flush");
}

// --- aborts --------------------------------------------------------------------------------------

TEST_F(TransactionTest, ARefusedCommitIsAbortedAndReplayed) {
  committing();
  EXPECT_EQ(complete(Status::abort("ILLEGAL_GENERATION")), "abort");
  EXPECT_EQ(complete(), "REPLAY");
  EXPECT_TRUE(transaction.may_step());
  EXPECT_EQ(transaction.counts().aborts, 1) << "the first producer's start is none";
  EXPECT_EQ(transaction.counts().doubts, 0);
}

TEST_F(TransactionTest, AFailedFlushIsAborted) {
  draining();
  EXPECT_EQ(complete(Status::abort("a record failed")), "abort");
  EXPECT_EQ(complete(), "REPLAY");
}

TEST_F(TransactionTest, AnAbortThatFailsRotates) {
  start();
  for (const Status& status : {Status::abort("no"), Status::fenced("no"), Status::unknown("no")}) {
    SCOPED_TRACE(to_string(status.consequence()));
    wait_for_the_pause();
    step();
    transaction.commit_due();
    go_on();
    complete();
    EXPECT_EQ(complete(Status::abort("no")).find("producer"), std::string::npos);
    EXPECT_EQ(complete(status), "producer init");
    EXPECT_EQ(complete(), "resolve") << "an aborted transaction is in no doubt";
    transaction.resolved(false);
    EXPECT_EQ(happened(), "REPLAY");
  }
}

TEST_F(TransactionTest, WhatWasNotHandedOverIsDroppedByAnAbort) {
  draining();
  complete();  // committing
  complete(Status::abort("no"));
  EXPECT_TRUE(output.empty());
}

TEST_F(TransactionTest, NoTokenNoCommit) {
  draining();
  host.member = false;
  EXPECT_EQ(complete(), "abort");
  EXPECT_EQ(complete(), "REPLAY");
}

TEST_F(TransactionTest, ATokenThatWasMissingMakesNoDoubt) {
  draining();
  host.member = false;
  complete();
  EXPECT_EQ(complete(Status::fenced("gone")), "producer init");
  EXPECT_EQ(complete(), "resolve");
}

TEST_F(TransactionTest, WritingChangesFailsBeforeAnythingWasSent) {
  start();
  transaction.stepped();
  host.write_fails = true;
  transaction.commit_due();
  EXPECT_EQ(happened(), "write REPLAY");
}

TEST_F(TransactionTest, WritingChangesFailsInAnOpenTransaction) {
  open();
  host.write_fails = true;
  transaction.commit_due();
  EXPECT_EQ(happened(), "write abort");
  EXPECT_EQ(complete(), "REPLAY");
}

TEST_F(TransactionTest, CollectingOffsetsFails) {
  draining();
  host.offsets_failure = "too long";
  EXPECT_EQ(complete(), "offsets abort");
  EXPECT_EQ(complete(), "REPLAY STOP");
  EXPECT_EQ(host.stopped, "too long");
}

TEST_F(TransactionTest, AFailedTaskAbortsAndTheOthersGoOn) {
  open();
  transaction.task_failed();
  EXPECT_EQ(happened(), "abort");
  EXPECT_FALSE(transaction.may_step());
  EXPECT_EQ(complete(), "REPLAY");
  EXPECT_TRUE(transaction.may_step());
}

TEST_F(TransactionTest, AnItemLeftOutAbortsAndReplaysAtOnceHoweverOften) {
  start();
  for (int i = 0; i < 20; ++i) {
    step();
    go_on();
    transaction.item_left_out();
    EXPECT_EQ(complete(), i == 0 ? "begin send:v abort REPLAY" : "begin send:v abort REPLAY");
    EXPECT_TRUE(transaction.may_step());
  }
}

TEST_F(TransactionTest, AFailureThatStopsDoesSoAfterTheAbort) {
  open();
  transaction.stop_after_abort("node n threw");
  transaction.task_failed();
  EXPECT_EQ(happened(), "abort");
  EXPECT_FALSE(transaction.may_step());
  EXPECT_EQ(complete(), "REPLAY STOP");
  EXPECT_EQ(host.stopped, "node n threw");
}

TEST_F(TransactionTest, AFailedTaskStopsAlsoWhereTheAbortFails) {
  open();
  transaction.stop_after_abort("node n threw");
  transaction.task_failed();
  EXPECT_EQ(complete(Status::fenced("gone")), "abort producer init");
  EXPECT_EQ(complete(), "resolve");
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY STOP");
}

// --- backing off ---------------------------------------------------------------------------------

TEST_F(TransactionTest, RepeatedAbortsBackOff) {
  start();
  int replays = 0;
  while (!transaction.next_timer() && replays < 10) {
    step();
    transaction.commit_due();
    go_on();
    complete();
    complete(Status::abort("no"));
    complete();
    ++replays;
  }
  EXPECT_GT(replays, 1) << "an outdated token is a normal event";
  EXPECT_LT(replays, 10);
  EXPECT_FALSE(transaction.may_step());
  ASSERT_TRUE(transaction.next_timer());
  wait_for_the_pause();
  EXPECT_TRUE(transaction.may_step());
  EXPECT_EQ(transaction.next_timer(), std::nullopt);
}

// --- room ----------------------------------------------------------------------------------------

TEST_F(TransactionTest, AFullLogIsTriedAgainAndNothingIsFlushedBefore) {
  start();
  step("a");
  log.full = true;
  EXPECT_EQ(happened(), "begin");
  transaction.commit_due();
  EXPECT_EQ(happened(), "write");
  EXPECT_FALSE(log.waiting());
  log.full = false;
  EXPECT_EQ(happened(), "send:a flush");
}

TEST_F(TransactionTest, MuchOutputHoldsBackFurtherSteps) {
  start();
  log.full = true;
  step(std::string(std::size_t{9} << 20, 'x'));
  go_on();
  EXPECT_FALSE(transaction.may_step());
  log.full = false;
  go_on();
  EXPECT_TRUE(transaction.may_step());
}

// --- one operation at a time ---------------------------------------------------------------------
// (The scripted log throws where two operations would be under way.)

TEST_F(TransactionTest, AnAbortWaitsForTheFlush) {
  draining();
  transaction.lost();
  EXPECT_EQ(happened(), "close-lost");
  EXPECT_EQ(complete(), "abort");
  EXPECT_EQ(complete(), "REPLAY");
}

TEST_F(TransactionTest, AFlushThatFailsWhileAnAbortWaitsIsNoNews) {
  draining();
  log.fail_delivery();
  EXPECT_EQ(happened(), "");
  EXPECT_EQ(complete(Status::abort("a record failed")), "abort");
  EXPECT_EQ(complete(), "REPLAY producer init");
}

TEST_F(TransactionTest, ACommitThatIsDueDuringAnotherIsLater) {
  committing();
  transaction.commit_due();
  EXPECT_EQ(happened(), "");
  EXPECT_EQ(complete(), "PUBLISH");
  aborting();
  transaction.commit_due();
  EXPECT_EQ(happened(), "");
}

TEST_F(TransactionTest, EventsOfDeadProducersAreNotTaken) {
  committing();
  const log::Epoch dead = log.epoch();
  complete(Status::unknown("timed out"));
  EXPECT_FALSE(transaction.handle({dead, log::OperationId(99), Status::success(), log::Done{}}));
  EXPECT_FALSE(
      transaction.handle({dead, log::kNoOperation, Status::abort("x"), log::DeliveryFailed{}}));
  EXPECT_EQ(transaction.state(), ProducerState::kRotating);
}

TEST_F(TransactionTest, AnswersToOperationsLeftBehindAreDropped) {
  draining();
  EXPECT_TRUE(transaction.handle({log.epoch(), log::OperationId(999), Status::success(), {}}));
  EXPECT_EQ(transaction.state(), ProducerState::kDraining);
}

}  // namespace
}  // namespace millrace::worker
