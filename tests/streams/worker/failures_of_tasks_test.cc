// A task that fails backs off, and the others of its worker go on as if it were not there; what the
// uncaught handler says is done.
#include <gmock/gmock.h>

#include <algorithm>
#include <stdexcept>

#include "millrace/dsl.h"
#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

Topology refusing(const std::string& bad) {
  return checking([bad](const std::string&, const std::string& value) {
    if (value == bad) throw std::runtime_error("cannot stand it");
  });
}

// --- the other tasks ---------------------------------------------------------------------------

constexpr int kTasks = 8;
constexpr int kRecords = 1500;  // of each task
constexpr int kBad = 3;         // the task whose middle record is "bad"

struct Measured {
  int steps = 0;             // of the worker, until the other tasks have committed everything
  std::int64_t records = 0;  // taken by then, replays included
  Offset bad_task;           // how far the task with the bad record was committed then
  std::map<TaskId, std::string> backing_off;
};

Measured measure(const Topology& topology) {
  ManualClock clock(from_ms(1'000'000));
  log::memory::MemoryLog log(clock, {});
  log.create_topic({"in", kTasks, {}});
  log.create_topic({"out", kTasks, {}});
  for (int p = 0; p < kTasks; ++p) {
    for (int i = 0; i < kRecords; ++i) {
      const bool bad = p == kBad && i == kRecords / 2;
      const std::string key = "k" + std::to_string(i);
      EXPECT_TRUE(log.append("in", Partition(p),
                             {.key = key, .value = bad ? "bad" : "good", .timestamp = from_ms(i)})
                      .ok());
    }
  }
  WorkerOptions options;
  options.application_id = "app";
  options.transactional_id = "app-1";
  options.max_records_per_step = 20;
  options.commit_interval = Duration(20);
  Worker worker(topology.graph(), options, log, clock, null_logger());
  const auto committed = [&](int p) {
    return log.committed_offset("app", {"in", Partition(p)}).offset;
  };
  const auto others_are_done = [&] {
    for (int p = 0; p < kTasks; ++p) {
      if (p != kBad && committed(p) != Offset(kRecords)) return false;
    }
    return true;
  };
  Measured measured;
  while (!others_are_done() && ++measured.steps < 100'000) {
    worker.step();
    log.step();
    clock.advance(Duration(1));
  }
  measured.records = worker.counts().records;
  measured.bad_task = committed(kBad);
  measured.backing_off = worker.backing_off();
  return measured;
}

TEST(FailedTask, LeavesTheOthersTheirRate) {
  const Measured clean = measure(refusing("no such value"));
  const Measured failing = measure(refusing("bad"));
  ASSERT_LT(clean.steps, 100'000);
  // One transaction is repeated.
  EXPECT_LE(failing.steps, clean.steps + 30);
  EXPECT_LE(failing.records, clean.records + 20 * 20 * kTasks);
  ASSERT_EQ(failing.backing_off.size(), 1u);
  EXPECT_EQ(failing.backing_off.begin()->first, (TaskId{0, Partition(kBad)}));
  EXPECT_LE(failing.bad_task, Offset(kRecords / 2));
}

// Also where every record fails the worker looks around after as many as it was told.
class Flood : public Bench {};

TEST_F(Flood, OfFailuresIsCountedByTheWorkersBudget) {
  create_topics();
  for (int i = 0; i < 300; ++i) put("bad");
  int asked = 0;
  int at_once = 0;
  WorkerOptions wanted = options();
  wanted.max_records_per_step = 10;
  wanted.errors.processing = [&](const ErrorContext&, const std::exception&) {
    ++asked;
    return ErrorAction::kSkip;
  };
  Worker& worker = start(refusing("bad"), wanted);
  run_until([&] {
    const int before = asked;
    worker.step();
    at_once = std::max(at_once, asked - before);
    return asked == 300;
  });
  EXPECT_LE(at_once, 10);
}

// --- the uncaught handler ----------------------------------------------------------------------

class Uncaught : public Bench {
 protected:
  Uncaught() { create_topics(); }
};

TEST_F(Uncaught, IsGivenTheFailureInWordsAndMayStopTheWorker) {
  for (const UncaughtAction action : {UncaughtAction::kReplaceThread, UncaughtAction::kStopClient,
                                      UncaughtAction::kStopApplication}) {
    std::string said;
    WorkerOptions wanted = options();
    wanted.errors.uncaught = [&](const std::exception& e) {
      said = e.what();
      return action;
    };
    put("a");
    put("bad");
    Worker& worker = start(refusing("bad"), wanted);
    EXPECT_THAT(failure_of(worker), AllOf(HasSubstr("task 0_0"), HasSubstr("node check"),
                                          HasSubstr("cannot stand it")));
    EXPECT_EQ(said, worker.failure());
    EXPECT_EQ(worker.uncaught_action(), action);
    EXPECT_EQ(values(), "") << "its transaction was aborted";
    EXPECT_EQ(log.last_stable_offset("out", Partition(0)), log.end_offset("out", Partition(0)));
    kill(worker);
  }
}

TEST_F(Uncaught, ThatFailsItselfLeavesTheTaskBackingOff) {
  WorkerOptions wanted = options();
  wanted.errors.uncaught = [](const std::exception&) -> UncaughtAction { throw 1; };
  put("bad");
  Worker& worker = start(refusing("bad"), wanted);
  EXPECT_THAT(backs_off(worker), HasSubstr("the uncaught handler failed, too"));
}

TEST_F(Uncaught, ATaskThatIsMendedMeanwhileGoesOn) {
  bool mended = false;
  put("a");
  put("b");
  Worker& worker = start(checking([&](const std::string&, const std::string& value) {
                           if (value == "b" && !mended) throw std::runtime_error("not yet");
                         }),
                         options());
  EXPECT_THAT(backs_off(worker), HasSubstr("in-0@1"));
  mended = true;
  run_until([&] { return values() == "a b"; });
  EXPECT_THAT(worker.backing_off(), IsEmpty());
}

// --- handlers ----------------------------------------------------------------------------------

using Handler = Uncaught;

TEST_F(Handler, ThatThrowsMeansFail) {
  WorkerOptions wanted = options();
  wanted.errors.processing = [](const ErrorContext&, const std::exception&) -> ErrorAction {
    throw std::logic_error("a bug");
  };
  put("bad");
  Worker& worker = start(refusing("bad"), wanted);
  EXPECT_THAT(backs_off(worker),
              AllOf(HasSubstr("cannot stand it"), HasSubstr("its handler failed, too: a bug")));
}

TEST_F(Handler, ThatSaysDeadLetterWithoutATopicMeansFail) {
  WorkerOptions wanted = options();
  wanted.errors.processing = ErrorAction::kDeadLetter;
  put("bad");
  Worker& worker = start(refusing("bad"), wanted);
  EXPECT_THAT(backs_off(worker), HasSubstr("no dead letter topic is configured"));
}

TEST_F(Handler, WhoseDeadLetterDoesNotFitMeansFail) {
  log.create_topic({"dead", 1, {{"max.message.bytes", "100"}}});
  WorkerOptions wanted = options();
  wanted.errors.processing = ErrorAction::kDeadLetter;
  wanted.errors.dead_letter_topic = "dead";
  put("bad");
  Worker& worker = start(refusing("bad"), wanted);
  EXPECT_THAT(backs_off(worker), HasSubstr("larger than the dead letter topic's"));
}

TEST_F(Handler, IsToldWhere) {
  WorkerOptions wanted = options();
  int asked = 0;
  wanted.errors.processing = [&](const ErrorContext& where, const std::exception& e) {
    ++asked;
    EXPECT_EQ(where.phase, ErrorPhase::kProcessing);
    EXPECT_EQ(where.topic, "in");
    EXPECT_EQ(where.partition, Partition(0));
    EXPECT_EQ(where.offset, Offset(1));
    EXPECT_EQ(where.timestamp, from_ms(7));
    EXPECT_EQ(where.node, "check");
    EXPECT_EQ(where.task, (TaskId{0, Partition(0)}));
    EXPECT_EQ(where.key, "key");
    EXPECT_EQ(where.value, "bad");
    EXPECT_EQ(where.attempt, 1);
    EXPECT_STREQ(e.what(), "cannot stand it");
    return ErrorAction::kSkip;
  };
  put("a");
  put("bad", "key", 0, 7);
  put("b");
  start(refusing("bad"), wanted);
  settle();
  EXPECT_EQ(values(), "a b");
  EXPECT_EQ(asked, 1);
}

TEST_F(Handler, OfDeserializationDecidesAboutRecordsWithoutATime) {
  WorkerOptions wanted = options();
  wanted.errors.deserialization = ErrorAction::kSkip;
  Worker& worker = start(copying(), wanted);
  settle();
  const auto aborts = worker.transaction().counts().aborts;
  put("a");
  put("b", "k", 0, -1);
  put("c");
  settle();
  EXPECT_EQ(values(), "a c");
  EXPECT_EQ(worker.transaction().counts().aborts, aborts) << "nothing had happened yet";
}

TEST_F(Handler, IsNotAskedWhereRecordsWithoutATimeAreSkippedAndLogged) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in", {.timestamp = LogAndSkip{}, .name = "texts"})
      .to("out");
  put("a");
  put("b", "k", 0, -1);
  put("c");
  Worker& worker = start(builder.build(), options());
  settle();
  EXPECT_EQ(values(), "a c");
  EXPECT_THAT(worker.tasks().dropped(), ElementsAre(Pair("texts/negative_timestamp", 1)));
  EXPECT_THAT(logger.text, HasSubstr("task 0_0 skips in-0@1, which has no valid timestamp"));
}

TEST_F(Handler, TheWallClockGivesATimeToWhatHasNone) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in", {.timestamp = WallClock{}}).to("out");
  put("a", "k", 0, -1);
  put("b", "k", 0, 5);
  start(builder.build(), options());
  const Timestamp began = clock.now();
  settle();
  const auto records = log.read_all("out", Partition(0), Isolation::kReadCommitted);
  ASSERT_EQ(records.size(), 2u);
  for (const auto& record : records) {
    EXPECT_GE(record.timestamp, began);
    EXPECT_LE(record.timestamp, clock.now());
  }
}

TEST_F(Handler, NullsAreDeadLettersWhereTheSourceSaysSo) {
  create("dead");
  WorkerOptions wanted = options();
  wanted.errors.dead_letter_topic = "dead";
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in", {.on_null = OnNull::kDeadLetter, .name = "texts"})
      .to("out");
  put("a");
  put("keyless", std::nullopt);
  ASSERT_TRUE(log.append("in", Partition(0), {.key = "k", .timestamp = from_ms(2)}).ok());
  put("b");
  Worker& worker = start(builder.build(), wanted);
  settle();
  EXPECT_EQ(values(), "a b");
  const auto letters = log.read_all("dead", Partition(0), Isolation::kReadCommitted);
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].key, std::nullopt);
  EXPECT_EQ(letters[0].value, "keyless");
  EXPECT_EQ(letters[1].key, "k");
  EXPECT_EQ(letters[1].value, std::nullopt);
  EXPECT_THAT(worker.tasks().dropped(), ElementsAre(Pair("texts/dead_letter", 2)));
}

TEST_F(Handler, ANullThatIsTooLargeForADeadLetterIsNotCountedAsOne) {
  log.create_topic({"dead", 1, {{"max.message.bytes", "1000"}}});
  WorkerOptions wanted = options();
  wanted.errors.dead_letter_topic = "dead";
  wanted.errors.deserialization = ErrorAction::kSkip;
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in", {.on_null = OnNull::kDeadLetter, .name = "texts"})
      .to("out");
  put(std::string(2'000, 'x'), std::nullopt);
  put("a");
  Worker& worker = start(builder.build(), wanted);
  settle();
  EXPECT_EQ(values(), "a");
  EXPECT_EQ(log.end_offset("dead", Partition(0)), Offset(0));
  EXPECT_THAT(worker.tasks().dropped(), ElementsAre(Pair("texts/deserialization", 1)));
}

}  // namespace
}  // namespace millrace::worker
