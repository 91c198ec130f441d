// One worker on a log that behaves: what it commits and when, what it restores, how it ends.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using WorkerRun = Bench;

TEST_F(WorkerRun, OffsetsTimesAndNumbersAreCommitted) {
  create_topics();
  put("a", "k", 0, 50);
  put("b", "k", 0, 40);
  Worker& worker = start(counting(), options());
  settle();
  EXPECT_EQ(committed().offset, Offset(2));
  EXPECT_EQ(task::decode_commit_metadata(committed().metadata).partition_time, 50);
  EXPECT_EQ(commits_in(committed()), 1);
  put("c", "k", 0, 60);
  settle();
  EXPECT_EQ(committed().offset, Offset(3));
  EXPECT_EQ(commits_in(committed()), 2);
  EXPECT_EQ(worker.transaction().counts().commits, 2);
}

TEST_F(WorkerRun, CompanionsOffsetsAreCommittedAtFirstAndThenWithProgress) {
  create("in");
  create("rows");
  create("out");
  put("r", "k", 0, 1, "rows");
  start(joining(), options());
  settle();
  EXPECT_EQ(committed("rows").offset, Offset(1));
  EXPECT_EQ(committed("in").offset, Offset(0)) << "the anchor, or at the first commit all";
  EXPECT_EQ(commits_in(committed("in")), 1);
  put("s", "k", 0, 2, "rows");
  settle();
  EXPECT_EQ(committed("rows").offset, Offset(2));
  EXPECT_EQ(commits_in(committed("in")), 2) << "the anchor has the number also without progress";
}

TEST_F(WorkerRun, CommitsWaitForTheInterval) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.commit_interval = Duration(500);
  Worker& worker = start(copying(), wanted);
  settle();
  clock.advance(Duration(500));  // a commit was due, with nothing in it
  rest();
  const Duration began = clock.monotonic();
  put("a");
  rest();
  EXPECT_EQ(values(), "");
  EXPECT_EQ(worker.transaction().state(), ProducerState::kOpen);
  settle();
  EXPECT_EQ(values(), "a");
  EXPECT_EQ(clock.monotonic() - began, Duration(500));
}

TEST_F(WorkerRun, ARequestedCommitComesAtOnce) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.commit_interval = Duration(3'600'000);
  Worker& worker = start(copying(), wanted);
  put("a");
  rest();
  EXPECT_EQ(values(), "");
  worker.request_commit();
  rest();
  EXPECT_EQ(values(), "a");
}

TEST_F(WorkerRun, MuchRetainedInputCommitsEarly) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.commit_interval = Duration(3'600'000);
  wanted.max_retained_bytes = 1;
  start(copying(), wanted);
  put("a");
  rest();
  clock.advance(Duration(100));
  rest();
  EXPECT_EQ(values(), "a");
}

TEST_F(WorkerRun, RecordsThatAreOnlyDroppedAreCommittedToo) {
  create_topics();
  Worker& worker = start(copying(), options());
  put("a", std::nullopt);
  put("b", std::nullopt);
  settle();
  EXPECT_EQ(values(), "");
  EXPECT_EQ(committed().offset, Offset(2));
  EXPECT_EQ(commits_in(committed()), 1);
  std::int64_t dropped = 0;
  for (const auto& [what, count] : worker.tasks().dropped()) dropped += count;
  EXPECT_EQ(dropped, 2);
}

TEST_F(WorkerRun, NothingIsDroppedWhileACommitIsOnItsWay) {
  create_topics();
  gate.closed = true;
  Worker& worker = start(copying(), options());
  put("a");
  run_until([&] { return gate.commit_waits(); });
  put("b", std::nullopt);
  rest();
  gate.open_gate();
  rest();
  EXPECT_EQ(committed().offset, Offset(1));
  EXPECT_FALSE(worker.quiet()) << "the dropped record is not committed yet";
  settle();
  EXPECT_EQ(committed().offset, Offset(2));
}

TEST_F(WorkerRun, AWorkerWithoutInputIsQuietAndWaitsForNothing) {
  create_topics();
  Worker& worker = start(counting(), options());
  settle();
  rest();
  EXPECT_TRUE(worker.quiet());
  EXPECT_EQ(worker.next_timer(), std::nullopt);
}

TEST_F(WorkerRun, StateIsRestoredBeforeAnythingRuns) {
  create_topics(2);
  Worker& first = start(counting(), options());
  for (int i = 0; i < 10; ++i) put("x", "a", i % 2);
  settle();
  kill(first);
  put("x", "a", 0);
  put("x", "a", 1);
  start(counting(), options());
  settle();
  EXPECT_EQ(values("out", 0).size() + values("out", 1).size(), 23u);
  EXPECT_THAT(values("out", 0) + values("out", 1), HasSubstr("6"));
}

TEST_F(WorkerRun, ThroughARepartitionTopic) {
  create_topics(2);
  for (int i = 0; i < 6; ++i) put("x", "a", i % 2);
  start(counting_values(), options());
  settle();
  EXPECT_EQ(values("out", 0) + values("out", 1), "1 2 3 4 5 6");
}

// --- whose turn it is ----------------------------------------------------------------------------

class WorkerTurns : public Bench {
 protected:
  // Effect: n records, at times 0, 1, 2.. and with them as values, one in each partition in turn.
  void put_in_turn(int n, int partitions) {
    for (int i = 0; i < n; ++i, ++next_) {
      put(std::to_string(next_), "k", next_ % partitions, next_);
    }
  }
  Topology noting() {
    return checking([this](const std::string&, const std::string& value) {
      order_.push_back(std::stoi(value));
    });
  }
  // What was taken so far, without what an aborted transaction took before.
  std::vector<int> order_;
  int next_ = 0;
};

TEST_F(WorkerTurns, TasksTakeABacklogInTheOrderOfTime) {
  create_topics(3);
  put_in_turn(900, 3);
  start(noting(), options());
  settle();
  EXPECT_EQ(order_.size(), 900u);
  EXPECT_TRUE(std::is_sorted(order_.begin(), order_.end()));
}

TEST_F(WorkerTurns, AStallIsNoReasonToLeaveTheOrderOfTime) {
  create_topics(3);
  gate.closed = true;
  start(noting(), options());
  put_in_turn(3, 3);
  run_until([&] { return gate.commit_waits(); });
  put_in_turn(600, 3);
  rest();
  gate.open_gate();
  while (log.step()) {
  }
  clock.advance(Duration(1'000));  // the worker sleeps, and when it wakes the commit is through
  settle();
  EXPECT_EQ(order_.size(), 603u);
  EXPECT_TRUE(std::is_sorted(order_.begin(), order_.end()));
}

TEST_F(WorkerTurns, ABacklogDoesNotKeepTheOthersWaitingForEver) {
  create_topics(2);
  WorkerOptions wanted = options();
  wanted.max_records_per_step = 5;
  start(noting(), wanted);
  settle();
  put("1000000", "k", 1, 1'000'000);
  const Duration began = clock.monotonic();
  run_until([&] {
    for (int i = 0; i < 20; ++i) put("1", "k", 0, 1);  // more than it can take
    clock.advance(Duration(1));
    return std::find(order_.begin(), order_.end(), 1'000'000) != order_.end();
  });
  EXPECT_GT(order_.size(), 100u) << "the earlier ones come first";
  EXPECT_LT(clock.monotonic() - began, Duration(1'000));
}

// --- the end -------------------------------------------------------------------------------------

TEST_F(WorkerRun, CloseCommitsWhatIsOpenAndLeaves) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.commit_interval = Duration(3'600'000);
  Worker& worker = start(counting(), wanted);
  put("a");
  rest();
  EXPECT_EQ(values(), "");
  worker.close();
  rest();
  EXPECT_EQ(worker.state(), WorkerState::kClosed);
  EXPECT_EQ(values(), "1");
  EXPECT_EQ(committed().offset, Offset(1));
  EXPECT_FALSE(worker.step());
  // It has left: another one gets the partition at once.
  const Duration now = clock.monotonic();
  start(counting(), options("app-2"));
  put("b");
  run_until([&] { return values() == "1 2"; });
  EXPECT_LT(clock.monotonic() - now, Duration(1'000));
}

TEST_F(WorkerRun, CloseDoesNotWaitForTheBacklog) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.max_records_per_step = 1;
  Worker& worker = start(copying(), wanted);
  for (int i = 0; i < 2'000; ++i) put("x");
  run_until([&] { return worker.counts().records > 10; });
  worker.close();
  const auto before = worker.counts().records;
  run_until([&] {
    put("x");  // and more comes all the time
    return worker.finished();
  });
  EXPECT_LE(worker.counts().records - before, 5);
  EXPECT_EQ(committed().offset.value(), worker.counts().records) << "what it took is committed";
}

TEST_F(WorkerRun, CloseInEachStateOfTheBeginning) {
  create_topics();
  for (int steps = 0; steps < 30; ++steps) {
    Worker& worker = start(counting(), options());
    for (int i = 0; i < steps; ++i) step();
    worker.close();
    run_until([&] { return worker.finished(); });
    EXPECT_EQ(worker.state(), WorkerState::kClosed) << steps << worker.failure();
    kill(worker);
  }
}

// --- what is gone --------------------------------------------------------------------------------

TEST_F(WorkerRun, InputThatWasDeletedStopsAndSkipsNothing) {
  create_topics();
  for (int i = 0; i < 4; ++i) put(std::to_string(i));
  Worker& first = start(copying(), options());
  settle();
  kill(first);
  for (int i = 4; i < 8; ++i) put(std::to_string(i));
  log::Inbox inbox;
  const auto admin = log.make_admin(inbox);
  admin->submit_delete_records(log::OperationId(1), {{{"in", Partition(0)}, Offset(6)}});
  log.settle();
  Worker& second = start(copying(), options());
  EXPECT_THAT(failure_of(second),
              AllOf(HasSubstr("in-0"), HasSubstr("4"), HasSubstr("not in the log any more")));
  EXPECT_EQ(committed().offset, Offset(4));
  EXPECT_EQ(values(), "0 1 2 3");
}

TEST_F(WorkerRun, AChangelogThatCannotBeReadIsNamedAndNothingIsRun) {
  create_topics();
  Worker& first = start(counting(), options());
  put("a");
  settle();
  kill(first);
  const auto bad = log.append("app-n-changelog", Partition(0),
                              {.key = "k", .value = "bad", .timestamp = from_ms(1)});
  ASSERT_TRUE(bad.ok());
  put("b");
  Worker& second = start(counting(), options());
  EXPECT_THAT(backs_off(second), AllOf(HasSubstr("app-n-changelog-0@2"), HasSubstr("store n"),
                                       HasSubstr("key of 1 bytes")));
  EXPECT_EQ(values(), "1");
  EXPECT_EQ(committed().offset, Offset(1));
}

}  // namespace
}  // namespace millrace::worker
