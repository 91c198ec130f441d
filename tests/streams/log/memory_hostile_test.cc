// The hostile switch: faults that a cluster may do, in a row that ends, and the same for one seed.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>

#include "log/memory/random.h"
#include "streams/log/echo_worker.h"
#include "streams/log/memory_fixture.h"

namespace millrace::log::memory {
namespace {

// A log with one topic, whose only fault is the one given.
struct OneFault {
  explicit OneFault(HostileOptions options) : log(clock, {.hostile = options}) {
    log.create_topic({"t", 1, {}});
  }
  std::string committed() {
    return values(log.read_all("t", Partition(0), Isolation::kReadCommitted));
  }

  ManualClock clock;
  MemoryLog log;
  Client client{log};
};

constexpr int kSeeds = 200;

TEST(MemoryHostileTest, UnknownCommitsGoBothWaysAndInitSettlesThem) {
  // Property: after kUnknown the producer is dead; once a new producer of the id is initialised,
  // records and offsets are both there or both not, for good, and over some seeds both happen.
  int went_through = 0;
  int arrived_late = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OneFault f({.seed = seed, .one_in_unknown = 1, .max_faults_in_row = 1});
    auto producer = f.client.producer("p");
    ASSERT_TRUE(producer->begin().ok());
    f.client.send(*producer, "t", 0, "a");
    ASSERT_TRUE(f.client.flush(*producer).ok());
    const TopicPartition in{"t", Partition(0)};
    ASSERT_EQ(f.client.commit(*producer, {{in, Offset(1), ""}}).consequence(),
              Consequence::kUnknown);
    const bool at_once = f.committed() == "a";
    EXPECT_EQ(producer->begin().consequence(), Consequence::kFenced);
    if (seed % 2 == 0) f.log.settle();  // before init: what is late arrives; else it never will
    arrived_late += !at_once && f.committed() == "a";
    auto next = f.client.producer("p");
    f.log.settle();
    const bool committed = f.committed() == "a";
    went_through += committed;
    EXPECT_EQ(f.log.committed_offset("g", in).offset, committed ? Offset(1) : kNoOffset);
    EXPECT_TRUE(f.log.committed_offset("g", in).stable);
    EXPECT_EQ(f.log.last_stable_offset("t", Partition(0)), f.log.end_offset("t", Partition(0)));
    EXPECT_EQ(f.log.counts().unknown_outcomes, 1);
    EXPECT_EQ(f.log.counts().unknown_committed, committed ? 1 : 0);
    f.client.transaction(*next, "t", 0, {"b"}, true);
    EXPECT_EQ(f.committed(), committed ? "a b" : "b");
  }
  EXPECT_GT(went_through, kSeeds / 4);
  EXPECT_LT(went_through, kSeeds * 3 / 4);
  EXPECT_GT(arrived_late, 0);
}

TEST(MemoryHostileTest, UnknownAbortsNeverCommit) {
  // Property: an abort of unknown outcome ends as an abort, at once or by the next init.
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OneFault f({.seed = seed, .one_in_unknown = 1, .max_faults_in_row = 1});
    auto producer = f.client.producer("p");
    ASSERT_TRUE(producer->begin().ok());
    f.client.send(*producer, "t", 0, "a");
    ASSERT_TRUE(f.client.flush(*producer).ok());
    ASSERT_EQ(f.client.abort(*producer).consequence(), Consequence::kUnknown);
    f.client.producer("p");
    f.log.settle();
    EXPECT_EQ(f.committed(), "");
    EXPECT_EQ(f.log.last_stable_offset("t", Partition(0)), f.log.end_offset("t", Partition(0)));
  }
}

TEST(MemoryHostileTest, DestroyedCommitsMayArriveAfterAll) {
  // Property: a commit whose producer is destroyed before the answer goes through or not; after the
  // next init nothing changes any more.
  int went_through = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OneFault f({.seed = seed, .late_percent = 30});
    auto producer = f.client.producer("p");
    ASSERT_TRUE(producer->begin().ok());
    f.client.send(*producer, "t", 0, "a");
    ASSERT_TRUE(f.client.flush(*producer).ok());
    producer->submit_commit(f.client.next_id(), {{{"t", Partition(0)}, Offset(1), ""}},
                            {.group = "g"});
    producer.reset();
    auto next = f.client.producer("p");
    const Offset settled = f.log.committed_offset("g", {"t", Partition(0)}).offset;
    f.log.settle();
    EXPECT_EQ(f.log.committed_offset("g", {"t", Partition(0)}).offset, settled);
    EXPECT_EQ(f.committed(), settled == kNoOffset ? "" : "a");
    went_through += settled != kNoOffset;
  }
  EXPECT_GT(went_through, 0);
  EXPECT_LT(went_through, kSeeds);
}

TEST(MemoryHostileTest, FaultsInARowComeToAnEnd) {
  // Property: with every fault drawn always, a transaction that is tried again succeeds after
  // max_faults_in_row faults at most.
  OneFault f({.seed = 1,
              .one_in_abort = 1,
              .one_in_fence = 1,
              .one_in_unknown = 1,
              .one_in_delivery_failure = 1,
              .one_in_init_failure = 1,
              .max_faults_in_row = 5});
  for (int round = 0; round < 20; ++round) {
    int attempts = 0;
    std::unique_ptr<LogProducer> producer;
    for (bool done = false; !done; ++attempts) {
      ASSERT_LT(attempts, 8);
      if (!producer) producer = f.client.new_producer("p");
      if (f.client.init(*producer).ok()) {
        ASSERT_TRUE(producer->begin().ok());
        f.client.send(*producer, "t", 0, "a");
        done = f.client.flush_and_commit(*producer).ok();
      }
      producer.reset();
    }
  }
  EXPECT_EQ(f.log.counts().commits, 20);
}

TEST(MemoryHostileTest, FencesAreWhatATimeoutDoes) {
  // Property: a fenced producer's transaction is aborted, and a new producer goes on.
  OneFault f({.seed = 3, .one_in_fence = 1, .max_faults_in_row = 1});
  auto producer = f.client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  f.client.send(*producer, "t", 0, "a");
  EXPECT_EQ(f.client.flush(*producer).consequence(), Consequence::kFenced);
  EXPECT_EQ(f.log.last_stable_offset("t", Partition(0)), Offset(2));
  EXPECT_EQ(f.log.counts().fences, 1);
  auto next = f.client.producer("p");
  f.client.transaction(*next, "t", 0, {"b"}, true);
  EXPECT_EQ(f.committed(), "b");
}

TEST(MemoryHostileTest, FailedDeliveriesFailTheirTransactionAlone) {
  // Property: what fails is told, the records before it in its partition may be in the log, none is
  // shown, and the next transactions succeed, at the latest the one after the next.
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OneFault f({.seed = seed, .one_in_delivery_failure = 1, .max_faults_in_row = 1});
    auto producer = f.client.producer("p");
    ASSERT_TRUE(producer->begin().ok());
    for (int i = 0; i < 5; ++i) f.client.send(*producer, "t", 0, std::to_string(i));
    EXPECT_EQ(f.client.flush(*producer).consequence(), Consequence::kAbort);
    EXPECT_EQ(only<DeliveryFailed>(f.client.settle()).size(), 1u);
    const std::string there =
        values(f.log.read_all("t", Partition(0), Isolation::kReadUncommitted));
    EXPECT_TRUE(std::string("0 1 2 3 4").starts_with(there)) << there;
    EXPECT_LT(there.size(), 9u);
    EXPECT_EQ(f.client.commit(*producer).consequence(), Consequence::kAbort);
    EXPECT_TRUE(f.client.abort(*producer).ok());
    ASSERT_TRUE(producer->begin().ok());
    f.client.send(*producer, "t", 0, "second");
    if (!f.client.flush(*producer).ok()) {
      EXPECT_TRUE(f.client.abort(*producer).ok());
      f.client.transaction(*producer, "t", 0, {"second"}, true);
    } else {
      EXPECT_TRUE(f.client.commit(*producer).ok());
    }
    EXPECT_EQ(f.committed(), "second");
  }
}

TEST(MemoryHostileTest, AdminFailuresAreNeverTwiceInARow) {
  // Property: a failed admin operation says kRetry, changed nothing, and succeeds when asked again.
  OneFault f({.seed = 4, .one_in_admin_failure = 1});
  auto admin = f.log.make_admin(f.client.inbox());
  for (int i = 0; i < 10; ++i) {
    const OperationId id = f.client.next_id();
    admin->submit_create_topics(id, {{"n" + std::to_string(i / 2), 1, {}}});
    const Status status = f.client.await(id).status;
    EXPECT_EQ(status.consequence(), i % 2 == 0 ? Consequence::kRetry : Consequence::kNone);
    EXPECT_EQ(f.log.topics().size(), static_cast<std::size_t>(1 + (i + 1) / 2));
  }
}

TEST(MemoryHostileTest, LatenessKeepsTheOrderOfOneProducer) {
  // Property: among several producers answers come in any order, but of one producer the records of
  // a partition stay in the order of sending, its flush is answered after all of them are in the
  // log, and its commit after its flush.
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OneFault f({.seed = seed, .late_percent = 60});
    std::vector<std::unique_ptr<LogProducer>> producers;
    for (int i = 0; i < 4; ++i) {
      f.log.create_topic({"t" + std::to_string(i), 1, {}});
      producers.push_back(f.client.producer("p" + std::to_string(i)));
    }
    std::map<OperationId, int> flushes;
    for (int i = 0; i < 4; ++i) {
      LogProducer& p = *producers[static_cast<std::size_t>(i)];
      ASSERT_TRUE(p.begin().ok());
      for (int n = 0; n < 20; ++n) f.client.send(p, "t" + std::to_string(i), 0, std::to_string(n));
      const OperationId id = f.client.next_id();
      p.submit_flush(id);
      flushes.emplace(id, i);
    }
    std::string order;
    while (!flushes.empty()) {
      ASSERT_TRUE(f.log.step());
      Event event;
      while (f.client.inbox().pop(event)) {
        const auto flush = flushes.find(event.operation);
        ASSERT_NE(flush, flushes.end()) << "answered twice";
        const std::string topic = "t" + std::to_string(flush->second);
        EXPECT_EQ(f.log.end_offset(topic, Partition(0)), Offset(20));
        order += topic;
        flushes.erase(flush);
      }
    }
    orders.insert(order);
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(f.client.commit(*producers[static_cast<std::size_t>(i)]).ok());
      f.log.settle();
      EXPECT_EQ(
          values(f.log.read_all("t" + std::to_string(i), Partition(0), Isolation::kReadCommitted)),
          "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19");
    }
    EXPECT_GT(f.log.counts().late, 0);
  }
  EXPECT_GT(orders.size(), 5u);
}

TEST(MemoryHostileTest, WhatIsLateMayBeOvertaken) {
  // Property: of two things asked for one step after the other the second may come first, and the
  // first; without lateness always the first.
  std::set<std::string> orders;
  for (const int late_percent : {0, 50}) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      OneFault f({.seed = seed, .late_percent = late_percent});
      auto first = f.client.new_producer("p1");
      auto second = f.client.new_producer("p2");
      first->submit_init(OperationId(1));
      f.log.create_topic({"u", 1, {}});
      auto reader = f.log.make_reader({}, f.client.inbox());
      reader->start({"u", Partition(0)}, Offset(0));  // something to do in the first step
      f.log.step();
      second->submit_init(OperationId(2));
      std::string order = std::to_string(late_percent) + ":";
      for (const Event& event : f.client.settle()) {
        if (event.operation != kNoOperation) order += std::to_string(event.operation.value());
      }
      orders.insert(order);
    }
  }
  EXPECT_EQ(orders, (std::set<std::string>{"0:12", "50:12", "50:21"}));
}

TEST(MemoryHostileTest, LatenessByTheClockWaitsForTheClock) {
  // Property: with late_by_at_most what is late comes when the clock has got there, not before, and
  // next_due() says when.
  OneFault f({.seed = 1, .late_percent = 100, .late_by_at_most = 50ms});
  auto producer = f.client.new_producer("p");
  producer->submit_init(f.client.next_id());
  EXPECT_FALSE(f.log.step());
  const auto due = f.log.next_due();
  ASSERT_TRUE(due);
  EXPECT_GT(*due, f.clock.now());
  EXPECT_LE(*due, f.clock.now() + 50ms);
  f.clock.advance(*due - f.clock.now());
  EXPECT_EQ(f.client.settle().size(), 1u);
}

// --- a worker under all faults -------------------------------------------------------------------

constexpr int kPartitions = 4;

struct EchoRun {
  std::string trace;
  HostileCounts counts;
  int steps = 0;
};

// Effect: runs echo workers over `records` records a partition until everything is copied; some of
// them die on the way if `crashes`.
EchoRun run_echo(HostileOptions options, int workers, int records, bool crashes) {
  EchoRun run;
  ManualClock clock;
  Random random(options.seed + 1'000'000);
  MemoryLog log(clock, {.hostile = options});
  log.create_topic({"in", kPartitions, {}});
  log.create_topic({"out", kPartitions, {}});
  std::array<std::string, kPartitions> expected;
  int appended = 0;
  const auto append = [&] {
    for (int p = 0; p < kPartitions; ++p) {
      const std::string value = std::to_string(p) + "." + std::to_string(appended);
      ASSERT_TRUE(log.append("in", Partition(p), text("k", value)).ok());
      expected[static_cast<std::size_t>(p)] += (appended > 0 ? " " : "") + value;
    }
    ++appended;
  };
  std::vector<std::unique_ptr<EchoWorker>> all;
  const auto make = [&](int i) {
    return std::make_unique<EchoWorker>(log, "echo-" + std::to_string(i), kPartitions,
                                        1 + random.below(10), run.trace);
  };
  for (int i = 0; i < workers; ++i) all.push_back(make(i));

  const auto complete = [&] {
    if (appended < records) return false;
    for (int p = 0; p < kPartitions; ++p) {
      if (values(log.read_all("out", Partition(p), Isolation::kReadCommitted)) !=
          expected[static_cast<std::size_t>(p)]) {
        return false;
      }
    }
    return true;
  };
  for (; !complete(); ++run.steps) {
    if (run.steps > 200'000) {
      ADD_FAILURE() << "no progress";
      break;
    }
    if (appended < records && random.one_in(5)) append();
    bool done = log.step();
    for (auto& worker : all) done |= worker->step();
    if (crashes && random.one_in(150)) {
      const std::size_t i = random.below(all.size());
      all[i].reset();
      all[i] = make(static_cast<int>(i));
      done = true;
    }
    if (done || appended < records) continue;
    const auto due = log.next_due();
    if (!due) {
      EXPECT_TRUE(complete()) << "everything stands still";
      break;
    }
    clock.advance(std::max(*due - clock.now(), Duration(0)));
  }
  for (int p = 0; p < kPartitions; ++p) {
    EXPECT_EQ(values(log.read_all("out", Partition(p), Isolation::kReadCommitted)),
              expected[static_cast<std::size_t>(p)]);
  }
  run.counts = log.counts();
  return run;
}

TEST(MemoryHostileTest, AWorkerThatKeepsTheRulesIsExactlyOnceUnderEverything) {
  // Property: under all faults at once, with one to three workers, with and without deaths, every
  // record is copied exactly once and in order, and it comes to an end. No fault stays away.
  HostileCounts sum;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    HostileOptions options = HostileOptions::everything(seed);
    if (seed % 5 == 0) options.late_by_at_most = 20ms;
    const EchoRun run = run_echo(options, 1 + static_cast<int>(seed % 3), 40, seed % 2 == 0);
    sum.commits += run.counts.commits;
    sum.aborts += run.counts.aborts;
    sum.fences += run.counts.fences;
    sum.unknown_outcomes += run.counts.unknown_outcomes;
    sum.unknown_committed += run.counts.unknown_committed;
    sum.delivery_failures += run.counts.delivery_failures;
    sum.init_failures += run.counts.init_failures;
    sum.admin_failures += run.counts.admin_failures;
    sum.revocations += run.counts.revocations;
    sum.losses += run.counts.losses;
    sum.late += run.counts.late;
    if (HasFailure()) return;
  }
  EXPECT_GT(sum.commits, 0);
  EXPECT_GT(sum.aborts, 0);
  EXPECT_GT(sum.fences, 0);
  EXPECT_GT(sum.unknown_outcomes, sum.unknown_committed);
  EXPECT_GT(sum.unknown_committed, 0);
  EXPECT_GT(sum.delivery_failures, 0);
  EXPECT_GT(sum.init_failures, 0);
  EXPECT_GT(sum.admin_failures, 0);
  EXPECT_GT(sum.revocations, 0);
  EXPECT_GT(sum.losses, 0);
  EXPECT_GT(sum.late, 0);
  std::printf(
      "commits %ld, aborts %ld, fences %ld, unknown %ld (%ld committed), deliveries %ld, inits "
      "%ld, "
      "admin %ld, revocations %ld, losses %ld, late %ld\n",
      sum.commits, sum.aborts, sum.fences, sum.unknown_outcomes, sum.unknown_committed,
      sum.delivery_failures, sum.init_failures, sum.admin_failures, sum.revocations, sum.losses,
      sum.late);
}

TEST(MemoryHostileTest, TheSameSeedGivesTheSameEvents) {
  // Property: the sequence of all events is a function of the seed and the calls.
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const EchoRun one = run_echo(HostileOptions::everything(seed), 2, 20, true);
    const EchoRun same = run_echo(HostileOptions::everything(seed), 2, 20, true);
    const EchoRun other = run_echo(HostileOptions::everything(seed + 100), 2, 20, true);
    EXPECT_EQ(one.trace, same.trace) << "seed " << seed;
    EXPECT_NE(one.trace, other.trace) << "seed " << seed;
  }
}

TEST(MemoryHostileTest, PlainLogsDoNothingOnTheirOwn) {
  // Property: without the switch the counts stay at zero but for the commits.
  const EchoRun run = run_echo({}, 2, 40, false);
  EXPECT_GT(run.counts.commits, 0);
  EXPECT_EQ(run.counts.aborts + run.counts.fences + run.counts.unknown_outcomes +
                run.counts.delivery_failures + run.counts.init_failures +
                run.counts.admin_failures + run.counts.revocations + run.counts.losses +
                run.counts.late,
            0);
}

TEST(MemoryHostileTest, SparedTopicsAreNotRevoked) {
  // Property: partitions of a spared anchor topic are neither revoked nor lost; others of the same
  // member are.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    OneFault f({.seed = seed, .one_in_revoke = 2, .one_in_lost = 2});
    f.log.spare("spared");
    auto membership = f.log.make_membership({.group = "g"}, f.client.inbox());
    membership->join({{"spared", 2}, {"other", 2}});
    auto producer = f.client.producer("p");
    int revoked = 0;
    for (int i = 0; i < 40; ++i) {
      f.client.transaction(*producer, "t", 0, {"a"}, true);
      for (const Event& event : f.client.settle()) {
        EXPECT_FALSE(std::holds_alternative<Lost>(event.what));
        if (const auto* r = std::get_if<Revoked>(&event.what)) {
          ++revoked;
          for (const auto& where : r->partitions) EXPECT_EQ(where.topic, "other");
        }
        if (event.epoch == membership->epoch()) membership->acknowledge();
      }
    }
    EXPECT_GT(revoked, 0);
    EXPECT_EQ(f.log.counts().losses, 0);
  }
}

TEST(MemoryHostileTest, RevokedPartitionsComeBack) {
  // Property: what the switch took from a lone member is assigned to it again by itself.
  OneFault f({.seed = 5, .one_in_revoke = 1, .max_faults_in_row = 1});
  auto membership = f.log.make_membership({.group = "g"}, f.client.inbox());
  membership->join({{"t", 1}});
  f.client.settle();
  membership->acknowledge();
  auto producer = f.client.producer("p");
  f.client.transaction(*producer, "t", 0, {"a"}, true);
  auto events = f.client.settle();
  ASSERT_EQ(only<Revoked>(events).size(), 1u);
  EXPECT_EQ(only<Assigned>(events).size(), 0u);
  membership->acknowledge();
  events = f.client.settle();
  ASSERT_EQ(only<Assigned>(events).size(), 1u);
  EXPECT_EQ(only<Assigned>(events)[0].partitions,
            (std::vector<TopicPartition>{{"t", Partition(0)}}));
}

}  // namespace
}  // namespace millrace::log::memory
