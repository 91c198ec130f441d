// Producers that die, commits in doubt, deliveries that fail, and a second process with the same
// id.
#include <string>

#include "streams/worker/transaction_fixture.h"

namespace millrace::worker {
namespace {

using TransactionRotation = TransactionTest;

TEST_F(TransactionRotation, FencedInEachState) {
  open();
  log.producer_dies(Status::fenced("a newer one"));
  EXPECT_EQ(happened(), "producer init");
  EXPECT_EQ(complete(), "resolve");
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY");
}

TEST_F(TransactionRotation, FencedWhileDraining) {
  draining();
  EXPECT_EQ(complete(Status::fenced("a newer one")), "producer init");
  EXPECT_EQ(complete(), "resolve") << "nothing was handed to the coordinator";
}

TEST_F(TransactionRotation, FencedAtBegin) {
  start();
  log.next_begin = Status::fenced("a newer one");
  step();
  EXPECT_EQ(happened(), "begin producer init");
  EXPECT_EQ(complete(), "resolve");
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY");
  EXPECT_TRUE(output.empty()) << "the step runs again";
}

TEST_F(TransactionRotation, FencedAtBeginOfTheCommit) {
  start();
  transaction.stepped();
  log.next_begin = Status::fenced("a newer one");
  transaction.commit_due();
  EXPECT_EQ(happened(), "write begin producer init");
}

TEST_F(TransactionRotation, UnknownOutcomeThatWasACommit) {
  committing();
  log.written.clear();
  EXPECT_EQ(complete(Status::unknown("timed out")), "producer init");
  EXPECT_EQ(complete(), "resolve-doubt");
  EXPECT_FALSE(transaction.may_step());
  transaction.resolved(true);
  EXPECT_EQ(happened(), "PUBLISH");
  EXPECT_TRUE(transaction.may_step());
  EXPECT_EQ(transaction.counts().doubts, 1);
}

TEST_F(TransactionRotation, TheRangesOfAPublishedDoubtAreThoseOfItsFlush) {
  draining();
  log.written = {{{"out", Partition(0)}, Offset(4), Offset(5)}};
  complete();
  complete(Status::unknown("timed out"));
  complete();
  transaction.resolved(true);
  ASSERT_EQ(host.published.size(), 1u);
  EXPECT_EQ(host.published[0].first, Offset(4));
}

TEST_F(TransactionRotation, UnknownOutcomeThatWasNone) {
  committing();
  complete(Status::unknown("timed out"));
  complete();
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY");
}

TEST_F(TransactionRotation, AFenceAtTheCommitIsADoubtToo) {
  committing();
  EXPECT_EQ(complete(Status::fenced("a newer one")), "producer init");
  EXPECT_EQ(complete(), "resolve-doubt");
}

TEST_F(TransactionRotation, ADoubtSurvivesProducersThatCannotBeMade) {
  committing();
  complete(Status::unknown("timed out"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(complete(Status::retry("the coordinator is loading")), "");
    ASSERT_TRUE(transaction.next_timer());
    clock.advance(*transaction.next_timer() - clock.monotonic());
    EXPECT_EQ(happened(), "producer init");
  }
  EXPECT_EQ(complete(), "resolve-doubt");
}

TEST_F(TransactionRotation, PausesBetweenProducersGrowAndEnd) {
  transaction.start();
  Duration last{};
  for (int i = 0; i < 20; ++i) {
    complete(Status::retry("no broker"));
    ASSERT_TRUE(transaction.next_timer());
    const Duration pause = *transaction.next_timer() - clock.monotonic();
    EXPECT_GE(pause, last);
    EXPECT_GT(pause, Duration(0));
    EXPECT_LE(pause, Duration(1'000));
    last = pause;
    clock.advance(pause);
    go_on();
  }
}

TEST_F(TransactionRotation, AProducerThatCanNeverBeMadeStops) {
  transaction.start();
  EXPECT_EQ(complete(Status::fatal("TRANSACTIONAL_ID_AUTHORIZATION_FAILED")), "producer init STOP");
  EXPECT_NE(host.stopped.find("app-1"), std::string::npos);
  EXPECT_NE(host.stopped.find("AUTHORIZATION"), std::string::npos);
}

// A commit that a dead producer left on its way is another writer's than the one that repeats it.
TEST_F(TransactionRotation, EachProducerIsAWriterOfItsOwn) {
  committing();
  complete(Status::fenced("a newer one"));
  complete();
  transaction.resolved(false);
  step();
  transaction.commit_due();
  go_on();
  complete();
  ASSERT_EQ(host.writers.size(), 2u);
  EXPECT_NE(host.writers[0], host.writers[1]);
}

TEST_F(TransactionRotation, AProducerThatDiesWithNothingOpenAbortsNothing) {
  start();
  log.producer_dies(Status::fenced("a newer one"));
  go_on();
  complete();
  transaction.resolved(false);
  EXPECT_EQ(transaction.counts().aborts, 0);
  step();
  log.producer_dies(Status::fenced("a newer one"));
  go_on();
  complete();
  transaction.resolved(false);
  EXPECT_EQ(transaction.counts().aborts, 1);
}

// --- what the log refuses for good -----------------------------------------------------------------

TEST_F(TransactionRotation, ACommitThatIsRefusedForGoodStopsOnceTheDoubtIsOver) {
  committing();
  EXPECT_EQ(complete(Status::fatal("GROUP_AUTHORIZATION_FAILED")), "producer init");
  EXPECT_EQ(complete(), "resolve-doubt");
  EXPECT_EQ(host.stopped, "");
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY STOP");
  for (const char* said : {"app-1", "GROUP_AUTHORIZATION_FAILED", "nothing is lost", "start"})
    EXPECT_NE(host.stopped.find(said), std::string::npos) << host.stopped;
}

TEST_F(TransactionRotation, ACommitThatIsRefusedForGoodAndMadeAllTheSameIsPublished) {
  committing();
  complete(Status::fatal("GROUP_AUTHORIZATION_FAILED"));
  complete();
  transaction.resolved(true);
  EXPECT_EQ(happened(), "PUBLISH STOP");
}

TEST_F(TransactionRotation, AFlushThatIsRefusedForGoodStops) {
  draining();
  EXPECT_EQ(complete(Status::fatal("the disk broke")), "producer init");
  EXPECT_EQ(complete(), "resolve");
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY STOP");
  EXPECT_NE(host.stopped.find("the disk broke"), std::string::npos) << host.stopped;
}

TEST_F(TransactionRotation, AnAbortThatIsRefusedForGoodStops) {
  aborting();
  EXPECT_EQ(complete(Status::fatal("no")), "producer init");
  complete();
  transaction.resolved(false);
  EXPECT_EQ(happened(), "REPLAY STOP");
}

TEST_F(TransactionRotation, WhoIsRefusedAProducerWithACommitInDoubtStopsToo) {
  committing();
  complete(Status::fatal("TRANSACTIONAL_ID_AUTHORIZATION_FAILED"));
  EXPECT_EQ(complete(Status::fatal("TRANSACTIONAL_ID_AUTHORIZATION_FAILED")), "STOP");
}

// --- deliveries ----------------------------------------------------------------------------------

TEST_F(TransactionRotation, AFailedDeliveryAbortsThenRotates) {
  open();
  log.fail_delivery();
  EXPECT_EQ(happened(), "abort");
  EXPECT_EQ(complete(), "REPLAY producer init");
  EXPECT_EQ(complete(), "resolve");
}

TEST_F(TransactionRotation, AFailedDeliveryBeforeTheFlushOfACommit) {
  start();
  step("a");
  log.full = true;
  go_on();
  transaction.commit_due();
  go_on();
  log.fail_delivery();
  EXPECT_EQ(happened(), "begin write abort");
}

TEST_F(TransactionRotation, AFailedDeliveryWhileAborting) {
  aborting();
  log.fail_delivery();
  EXPECT_EQ(happened(), "");
  EXPECT_EQ(complete(), "REPLAY producer init");
}

TEST_F(TransactionRotation, AFailedDeliveryWhileCommittingIsADoubt) {
  committing();
  log.fail_delivery();
  EXPECT_EQ(happened(), "producer init");
  EXPECT_EQ(complete(), "resolve-doubt");
}

TEST_F(TransactionRotation, AFailedDeliveryInAPauseDoesNotCutTheNextProducerShort) {
  start();
  for (int i = 0; !transaction.next_timer() && i < 10; ++i) {  // aborts until it backs off
    step();
    transaction.commit_due();
    go_on();
    complete();
    complete(Status::abort("no"));
    complete();
  }
  ASSERT_TRUE(transaction.next_timer());
  log.fail_delivery();
  EXPECT_EQ(happened(), "REPLAY producer init");
  complete();  // asks the log who committed last
  clock.advance(Duration(5'000));
  EXPECT_EQ(happened(), "") << "the producer is ready: no other is made";
  transaction.resolved(false);
  EXPECT_TRUE(transaction.may_step() || transaction.next_timer());
}

TEST_F(TransactionRotation, ARecordThatIsNotDeliveredIsSentAgainAfterPausesThatGrow) {
  start();
  std::vector<std::int64_t> sent_at;
  for (int i = 0; i < 12; ++i) {
    wait_for_the_pause();
    sent_at.push_back(clock.monotonic().count());
    step();
    go_on();
    log.fail_delivery();
    go_on();
    complete();  // the abort
    complete();  // the init
    transaction.resolved(false);
    go_on();
    ASSERT_EQ(host.stopped, "");
  }
  EXPECT_EQ(host.refusals, std::vector<log::Refusal>(12, log::Refusal::kPassing));
  EXPECT_EQ(sent_at[2], sent_at[0]) << "the first few at once";
  EXPECT_GE(sent_at[11] - sent_at[10], 1'000);
}

// --- two processes -------------------------------------------------------------------------------

TEST_F(TransactionRotation, TooManyFencesAMinuteStopAndTakeNothingBack) {
  start();
  for (int i = 0; i < kMaxFences; ++i) {
    step();
    transaction.commit_due();
    go_on();
    complete(i % 2 == 0 ? Status::fenced("a newer one") : Status::success());
    if (i % 2 == 1) complete(Status::fenced("a newer one"));
    complete();
    transaction.resolved(false);
    wait_for_the_pause();
  }
  EXPECT_EQ(host.stopped, "");
  step();
  transaction.commit_due();
  go_on();
  journal.take();
  EXPECT_EQ(complete(Status::fenced("a newer one")), "STOP") << "the other one keeps the id";
  EXPECT_NE(host.stopped.find("app-1"), std::string::npos) << host.stopped;
  EXPECT_NE(host.stopped.find("application.id"), std::string::npos) << host.stopped;
}

TEST_F(TransactionRotation, FencesBetweenOperationsCountToo) {
  open();
  for (int i = 0; i < kMaxFences; ++i) {
    log.producer_dies(Status::fenced("a newer one"));
    go_on();
    complete();
    transaction.resolved(false);
  }
  journal.take();
  log.producer_dies(Status::fenced("a newer one"));
  EXPECT_EQ(happened(), "STOP");
}

TEST_F(TransactionRotation, FewFencesAMinuteAreTheBrokersTimeouts) {
  open();
  for (int i = 0; i < 3 * kMaxFences; ++i) {
    transaction.commit_due();
    go_on();
    complete(Status::fenced("timed out"));
    complete();
    transaction.resolved(false);
    clock.advance(Duration(25'000));
    go_on();
    step();
    go_on();
  }
  EXPECT_EQ(host.stopped, "");
}

TEST_F(TransactionRotation, WhatTheLogSaidToADeadProducerIsNoNews) {
  rotating();
  EXPECT_EQ(complete(), "resolve-doubt");
  log.producer_dies(Status::fatal("it broke"));
  go_on();
  transaction.resolved(true);
  EXPECT_EQ(transaction.state(), ProducerState::kRotating) << "in the pause before the next one";
  clock.advance(Duration(5'000));
  EXPECT_EQ(happened(), "producer init");
  transaction.resolved(true);
  EXPECT_EQ(transaction.state(), ProducerState::kRotating);
  EXPECT_FALSE(transaction.may_step()) << "the new producer is not ready";
  EXPECT_EQ(complete(), "resolve-doubt");
  transaction.resolved(true);
  EXPECT_EQ(happened(), "PUBLISH");
}

}  // namespace
}  // namespace millrace::worker
