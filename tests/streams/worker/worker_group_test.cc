// Workers that share a group: every record is taken exactly once, whoever comes, goes or dies.
#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "millrace/detail/memory_disk.h"
#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using ::testing::HasSubstr;

class WorkerGroup : public Bench {
 protected:
  static constexpr int kPartitions = 4;
  WorkerGroup() { create_topics(kPartitions); }

  WorkerOptions slow(const std::string& id) {
    WorkerOptions wanted = options(id);
    wanted.commit_interval = Duration(60'000);
    wanted.transaction_timeout = Duration(900'000);
    return wanted;
  }
  // A record of each partition, with a key of its own.
  void put_everywhere(const std::string& value) {
    for (int p = 0; p < kPartitions; ++p) put(value, std::to_string(p), p);
  }
  // The counts of each key, as a single worker would have written them.
  void expect_everywhere(const std::string& expected) {
    std::map<std::string, std::string> counts;
    for (int p = 0; p < kPartitions; ++p) {
      for (const auto& record : log.read_all("out", Partition(p), Isolation::kReadCommitted)) {
        std::string& of_key = counts[record.key.value()];
        if (!of_key.empty()) of_key += ' ';
        of_key += record.value.value();
      }
    }
    EXPECT_EQ(counts.size(), std::size_t{kPartitions});
    for (const auto& [key, of_key] : counts) EXPECT_EQ(of_key, expected) << key;
  }
  std::size_t tasks(Worker& worker) { return worker.tasks().entries().size(); }
  // All that are members now.
  void set_members_connected(bool connected) {
    for (std::int64_t epoch = 1; epoch < 100; ++epoch)
      log.set_connected(log::Epoch(epoch), connected);
  }
};

TEST_F(WorkerGroup, TwoWorkersShareThePartitions) {
  Worker& first = start(counting(), options("app-1"));
  put_everywhere("a");
  settle();
  EXPECT_EQ(tasks(first), 4u);
  Worker& second = start(counting(), options("app-2"));
  settle();
  EXPECT_EQ(tasks(first), 2u);
  EXPECT_EQ(tasks(second), 2u);
  put_everywhere("b");
  settle();
  expect_everywhere("1 2");
}

TEST_F(WorkerGroup, WhatIsAskedBackInMidTransactionIsCommittedFirst) {
  Worker& first = start(counting(), slow("app-1"));
  put_everywhere("a");
  rest();
  EXPECT_EQ(first.transaction().state(), ProducerState::kOpen);
  Worker& second = start(counting(), slow("app-2"));
  rest();
  EXPECT_EQ(tasks(first), 2u);
  EXPECT_EQ(tasks(second), 2u);
  expect_everywhere("1");
  EXPECT_EQ(first.counts().revocations, 1);
  put_everywhere("b");
  first.request_commit();
  second.request_commit();
  settle();
  expect_everywhere("1 2");
}

TEST_F(WorkerGroup, AWorkerThatLeavesHandsOverAtOnce) {
  Worker& first = start(counting(), options("app-1"));
  Worker& second = start(counting(), options("app-2"));
  put_everywhere("a");
  settle();
  put_everywhere("b");
  second.close();
  run_until([&] { return second.finished() && first.quiet() && tasks(first) == 4; });
  put_everywhere("c");
  settle();
  expect_everywhere("1 2 3");
}

TEST_F(WorkerGroup, AWorkerThatDiesWithATransactionOpen) {
  Worker& first = start(counting(), slow("app-1"));
  Worker& second = start(counting(), slow("app-2"));
  put_everywhere("a");
  first.request_commit();
  second.request_commit();
  settle();
  put_everywhere("b");
  rest();
  EXPECT_EQ(second.transaction().state(), ProducerState::kOpen);
  kill(second);
  run_until([&] { return tasks(first) == 4 && first.quiet(); });
  run_until([&] {  // the dead transaction times out; until then it hides what comes behind it
    for (int p = 0; p < kPartitions; ++p) {
      if (log.last_stable_offset("out", Partition(p)) != log.end_offset("out", Partition(p)))
        return false;
    }
    return true;
  });
  expect_everywhere("1 2");
}

TEST_F(WorkerGroup, AWorkerThatDiesWithACommitOnItsWay) {
  Worker& first = start(counting(), options("app-1"));
  Worker& second = start(counting(), options("app-2"));
  put_everywhere("a");
  settle();
  put_everywhere("b");
  run_until([&] { return second.transaction().state() == ProducerState::kCommitting; });
  kill(second);
  settle();
  run_until([&] { return tasks(first) == 4 && first.quiet(); });
  put_everywhere("c");
  settle();
  expect_everywhere("1 2 3");
}

TEST_F(WorkerGroup, AWorkerThatWasCutOffUndoesWhatItDid) {
  Worker& first = start(counting(), slow("app-1"));
  Worker& second = start(counting(), slow("app-2"));
  put_everywhere("a");
  first.request_commit();
  second.request_commit();
  settle();
  put_everywhere("b");
  rest();
  set_members_connected(false);
  clock.advance(Duration(20'000));
  rest();
  set_members_connected(true);
  run_until([&] {
    first.request_commit();
    second.request_commit();
    return tasks(first) + tasks(second) == 4 && first.quiet() && second.quiet();
  });
  EXPECT_GE(first.transaction().counts().aborts, 1);
  expect_everywhere("1 2");
}

// A member that was cut off has a commit in doubt; meanwhile another one was given all its tasks, took
// less of each, and committed each of them once, as the doubtful commit would have.
TEST_F(WorkerGroup, OneCommitOfEachNextOwnerIsNotTakenForTheCommitInDoubt) {
  Worker& first = start(counting(), options("app-1"));
  put_everywhere("a");
  settle();
  const auto commits = first.transaction().counts().commits;
  put_everywhere("b");
  for (int p = 0; p < kPartitions; ++p) put("late", std::to_string(p), p, 2);
  gate.closed = true;
  run_until([&] { return gate.commit_waits(); });
  set_members_connected(false);
  clock.advance(Duration(20'000));
  log.settle();  // its membership and its transaction have timed out

  topologies.push_back(counting());
  WorkerOptions wanted = slow("app-2");
  wanted.max_records_per_step = 1;
  Worker second(topologies.back().graph(), wanted, log, clock, logger);
  const auto step_second = [&](const auto& done) {
    for (int i = 0; !done(); ++i) {
      ASSERT_LT(i, 10'000) << logger.text;
      second.step();
      log.settle();
    }
  };
  step_second([&] { return second.counts().records == kPartitions; });
  second.set_paused(true);
  second.request_commit();
  step_second([&] { return second.transaction().counts().commits == 1; });

  gate.open_gate();
  run_until([&] { return first.transaction().state() == ProducerState::kIdle; });
  EXPECT_EQ(first.transaction().counts().doubts, 1);
  EXPECT_EQ(first.transaction().counts().commits, commits) << logger.text;
  second.close();
  step_second([&] { return second.finished(); });
  set_members_connected(true);
  settle();
  expect_everywhere("1 2 3");
}

TEST_F(WorkerGroup, MoreWorkersThanPartitions) {
  for (int i = 0; i < 6; ++i) start(counting(), options("app-" + std::to_string(i)));
  put_everywhere("a");
  settle();
  std::size_t all = 0;
  for (auto& worker : workers) all += tasks(*worker);
  EXPECT_EQ(all, 4u);
  expect_everywhere("1");
}

TEST_F(WorkerGroup, OfTwoWorkersWithOneTransactionalIdOneStops) {
  WorkerOptions same = options("same");
  same.max_fences_per_minute = 5;
  Worker& first = start(counting(), same);
  Worker& second = start(counting(), same);
  put_everywhere("a");
  run_until([&] { return first.finished() || second.finished(); });
  Worker& stopped = first.finished() ? first : second;
  Worker& other = first.finished() ? second : first;
  EXPECT_THAT(stopped.failure(), HasSubstr("application.id"));
  kill(stopped);
  run_until([&] { return other.quiet() && tasks(other) == 4; });
  put_everywhere("b");
  settle();
  expect_everywhere("1 2");
}

// --- without a group: partitions by agreement ----------------------------------------------------

class WorkerAlone : public Bench {
 protected:
  WorkerAlone() : Bench({.accept_unfenced_offsets = true}) {
    create_topics(2);
    gate.scripted_membership = true;
  }
  std::vector<TopicPartition> both() { return {{"in", Partition(0)}, {"in", Partition(1)}}; }

  Worker& start_member(const std::string& id, std::vector<TopicPartition> partitions) {
    WorkerOptions wanted = options(id);
    wanted.max_fences_per_minute = 5;
    Worker& worker = start(counting(), wanted);
    rest();
    gate.assign(std::move(partitions));
    return worker;
  }
  // Somebody else commits one more record of partition 0, with a transaction number of its own.
  void commit_for_another_owner() {
    task::CommitMetadata metadata = task::decode_commit_metadata(committed().metadata);
    for (auto& entry : metadata.entries) {
      if (entry.name == task::kTransactionNumberName)
        entry.value = task::next_transaction_number(entry.value, task::Writer(12));
    }
    log::Inbox inbox;
    const auto other = log.make_producer({.transactional_id = "app-1"}, inbox);
    other->submit_init(log::OperationId(1));
    log.settle();
    ASSERT_TRUE(other->begin().ok());
    other->submit_commit(log::OperationId(2),
                         {{{"in", Partition(0)}, Offset(2), task::encode(metadata)}}, {"app"});
    log.settle();
  }
};

TEST_F(WorkerAlone, ASecondProcessWithTheSameIdStopsOneOfTheTwo) {
  Worker& first = start_member("same", both());
  put("a");
  settle();
  Worker& second = start_member("same", both());
  for (int i = 0; i < 20 && !first.finished() && !second.finished(); ++i) {
    put("b");
    run_until(
        [&] { return first.finished() || second.finished() || (first.quiet() && second.quiet()); });
  }
  ASSERT_TRUE(first.finished() || second.finished());
  Worker& stopped = first.finished() ? first : second;
  EXPECT_THAT(stopped.failure(), HasSubstr("application.id"));
  kill(stopped);
  settle();
  // Each record once: 1 2 3 …
  std::istringstream counts(values("out", 0));
  int expected = 0;
  for (int count = 0; counts >> count;) EXPECT_EQ(count, ++expected);
  EXPECT_EQ(expected, log.end_offset("in", Partition(0)).value());
}

TEST_F(WorkerAlone, RevokedWhileAnEarlierTaskOfThePartitionClosesMeansNotOwned) {
  Worker& worker = start_member("app-1", both());
  settle();
  gate.closed = true;
  put("a");
  run_until([&] { return gate.commit_waits(); });
  gate.lose();
  rest();
  gate.assign(both());  // while the old tasks wait for their commit's outcome
  rest();
  gate.revoke({{"in", Partition(0)}});
  rest();
  gate.open_gate();
  settle();
  ASSERT_EQ(worker.tasks().entries().size(), 1u);
  EXPECT_EQ(worker.tasks().entries().begin()->first.partition, Partition(1));
  EXPECT_EQ(gate.acknowledged, 3);
}

TEST_F(WorkerAlone, AssignedAgainWhileAnEarlierTaskClosesGoesOnWhereThatOneEnded) {
  Worker& worker = start_member("app-1", both());
  settle();
  gate.closed = true;
  put("a");
  run_until([&] { return gate.commit_waits(); });
  gate.lose();
  rest();
  gate.assign(both());
  put("b");
  rest();
  gate.open_gate();
  settle();
  EXPECT_EQ(worker.tasks().entries().size(), 2u);
  EXPECT_EQ(values(), "1 2");
}

TEST_F(WorkerAlone, LostBeforeTheCommitIsSubmittedCommitsNothing) {
  Worker& worker = start_member("app-1", both());
  settle();
  put("a");
  run_until([&] { return worker.transaction().state() == ProducerState::kDraining; });
  worker.step();
  // The flush is over and the partitions are gone, both before the worker looks again.
  log.settle();
  gate.lose();
  gate.assign({});
  rest();
  EXPECT_EQ(values(), "");
  EXPECT_EQ(committed().offset, kNoOffset);
}

// Without a generation that fences, the next owner must not look at the offsets before the commit in
// doubt is out of the way.
TEST_F(WorkerAlone, ADoubtIsOverBeforeAPatientGroupIsAnswered) {
  gate.waits_for_answers = true;
  gate.generation = 1;
  Worker& worker = start_member("app-1", both());
  settle();
  gate.closed = true;
  put("a");
  run_until([&] { return gate.commit_waits(); });
  gate.revoke(both());
  rest();
  clock.advance(Duration(160'000));
  worker.step();
  ASSERT_EQ(worker.transaction().state(), ProducerState::kRotating);
  worker.step();
  EXPECT_EQ(gate.acknowledged, 1) << "a new producer has not taken over yet";
  rest();
  EXPECT_NE(worker.transaction().state(), ProducerState::kRotating);
  EXPECT_EQ(gate.acknowledged, 2);
}

// A group that takes nothing back without an answer: who else committed is no member of it.
TEST_F(WorkerAlone, WhoFindsACommitThatIsNotItsOwnStops) {
  gate.waits_for_answers = true;
  gate.generation = 1;
  Worker& worker = start_member("app-1", both());
  put("a");
  settle();
  put("b");
  gate.closed = true;
  run_until([&] { return gate.commit_waits(); });
  log::Inbox inbox;
  const auto other = log.make_producer({.transactional_id = "app-1"}, inbox);
  other->submit_init(log::OperationId(1));
  log.settle();
  ASSERT_TRUE(other->begin().ok());
  other->submit_commit(log::OperationId(2), {{{"in", Partition(0)}, Offset(2), ""}}, {"app"});
  log.settle();
  gate.open_gate();
  EXPECT_THAT(failure_of(worker), HasSubstr("another process has committed"));
  EXPECT_EQ(values(), "1");
}

// Somebody else has one of the tasks already and committed for it once, as the commit in doubt would have.
TEST_F(WorkerAlone, ACommitThatOneTaskLacksWasNotMade) {
  Worker& worker = start_member("app-1", both());
  put("a", "k", 0);
  put("b", "k", 1);
  settle();
  put("c", "k", 0);
  put("d", "k", 1);
  gate.closed = true;
  run_until([&] { return gate.commit_waits(); });
  commit_for_another_owner();
  gate.closed = false;
  gate.open_gate();
  EXPECT_THAT(failure_of(worker), HasSubstr("another process has committed"));
  kill(worker);
  start_member("app-1", both());
  settle();
  EXPECT_EQ(committed("in", 1).offset, Offset(2));
  EXPECT_EQ(log.read_all("out", Partition(0), Isolation::kReadCommitted).size(), 3u)
      << "what came to the other task is not lost";
}

// The next owner of a lost task took less, and committed it.
TEST_F(WorkerAlone, ACommitOfTheNextOwnerIsNotTakenForOnesOwn) {
  state::MemoryDiskHost disk;
  WorkerOptions wanted = options("app-1");
  wanted.disks = &disk;
  Worker& worker = start(counting(), wanted);
  rest();
  gate.assign({{"in", Partition(0)}});
  put("a");
  settle();
  put("b");
  put("c", "late");
  gate.closed = true;
  run_until([&] { return gate.commit_waits(); });
  gate.lose();
  rest();
  commit_for_another_owner();
  gate.closed = false;
  gate.open_gate();
  run_until([&] { return worker.transaction().state() == ProducerState::kIdle; });
  EXPECT_EQ(worker.transaction().counts().doubts, 1);
  gate.assign({{"in", Partition(0)}});
  settle();
  EXPECT_EQ(values("out", 0) + "," + values("out", 1), "1,1") << "what was aborted is in no store";
  kill(worker);
}

// The same while this member has not been told yet that its task is another's.
TEST_F(WorkerAlone, ACommitOfTheNextOwnerIsNotTakenForOnesOwnBeforeTheLossIsKnown) {
  gate.generation = 1;
  state::MemoryDiskHost disk;
  WorkerOptions wanted = options("app-1");
  wanted.disks = &disk;
  Worker& worker = start(counting(), wanted);
  rest();
  gate.assign({{"in", Partition(0)}});
  put("a");
  settle();
  put("b");
  put("c", "late");
  gate.closed = true;
  run_until([&] { return gate.commit_waits(); });
  commit_for_another_owner();
  gate.open_gate();
  gate.closed = true;
  run_until([&] { return worker.transaction().counts().doubts == 1; });
  rest();
  EXPECT_EQ(worker.transaction().counts().commits, 1);
  gate.lose();
  rest();
  gate.open_gate();
  gate.assign({{"in", Partition(0)}});
  settle();
  EXPECT_EQ(values("out", 0) + "," + values("out", 1), "1,1") << "what was aborted is in no store";
  kill(worker);
}

// Asked for a producer that is given up by now: what it says was true before the commits since then.
TEST_F(WorkerAlone, AnAnswerAboutAnEarlierDoubtIsDropped) {
  Worker& worker = start_member("app-1", both());
  put("a");
  settle();
  gate.keeps_answers = [this](const TopicPartition& where) {
    return log.committed_offset("app", where);
  };
  gate.kill_producer();
  run_until([&] { return gate.answers_kept() == 1; });
  gate.keeps_answers = nullptr;
  gate.kill_producer();
  put("b");
  settle();
  EXPECT_EQ(values(), "1 2");
  gate.give_kept_answers();
  put("c");
  settle();
  EXPECT_EQ(worker.failure(), "");
  EXPECT_EQ(values(), "1 2 3");
}

TEST_F(WorkerAlone, ACommitThatTheLogRefusesForGoodStops) {
  gate.refuses = Status::fatal("GROUP_AUTHORIZATION_FAILED");
  Worker& worker = start_member("app-1", both());
  put("a");
  const std::string why = failure_of(worker);
  EXPECT_THAT(why, HasSubstr("app-1"));
  EXPECT_THAT(why, HasSubstr("GROUP_AUTHORIZATION_FAILED"));
  EXPECT_EQ(values(), "");
  kill(worker);
  gate.refuses.reset();
  start_member("app-1", both());
  settle();
  EXPECT_EQ(values(), "1");
}

TEST_F(WorkerAlone, ADoubtWithTheTasksRevokedMeanwhile) {
  Worker& worker = start_member("app-1", both());
  settle();
  gate.closed = true;
  put("a");
  run_until([&] { return gate.commit_waits(); });
  gate.revoke(both());
  rest();
  EXPECT_EQ(gate.acknowledged, 1) << "the commit is on its way";
  clock.advance(Duration(160'000));  // longer than anybody waits
  rest();
  EXPECT_EQ(gate.acknowledged, 2);
  EXPECT_TRUE(worker.tasks().entries().empty());
  gate.closed = false;
  gate.assign(both());
  settle();
  EXPECT_EQ(values(), "1");
}

}  // namespace
}  // namespace millrace::worker
