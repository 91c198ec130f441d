// What failures and dead letters come to when tasks are asked back or lost, or the worker is paused,
// at the same time.
#include <gmock/gmock.h>

#include <stdexcept>
#include <vector>

#include "millrace/dsl.h"
#include "millrace/processor.h"
#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

class FailuresMeetOthers : public Bench {
 protected:
  FailuresMeetOthers() : Bench({.accept_unfenced_offsets = true}) {
    gate.scripted_membership = true;
    create_topics(2);
  }

  Worker& start_member(const Topology& topology, const WorkerOptions& wanted) {
    Worker& worker = start(topology, wanted);
    rest();
    gate.assign({{"in", Partition(0)}, {"in", Partition(1)}});
    rest();
    return worker;
  }
  static Topology nulls_set_aside() {
    StreamsBuilder builder;
    builder.stream<std::string, std::string>("in", {.on_null = OnNull::kDeadLetter}).to("out");
    return builder.build();
  }
  WorkerOptions with_dead_letters() {
    WorkerOptions wanted = options();
    wanted.commit_interval = 60s;
    wanted.transaction_timeout = 900s;
    wanted.errors.dead_letter_topic = "dead";
    return wanted;
  }
  void put_null(int partition, std::int64_t at = 1) {
    ASSERT_TRUE(
        log.append("in", Partition(partition), {.key = "k", .timestamp = from_ms(at)}).ok());
  }
  // Whether the worker asks to be called again at once although it has nothing to do.
  bool spins(Worker& worker) {
    rest();
    const auto next = worker.next_timer();
    return next && *next <= clock.monotonic();
  }
};

constexpr std::int64_t kFarAhead = 9'000'000'000'000;

// No step was taken: the letter is all that the transaction has.
TEST_F(FailuresMeetOthers, ADeadLetterIsWrittenOnceWhereItsTaskIsAskedBack) {
  create("dead");
  Worker& worker = start_member(nulls_set_aside(), with_dead_letters());
  put_null(0);
  rest();
  ASSERT_EQ(values("dead", 0, Isolation::kReadUncommitted), "null");
  gate.revoke({{"in", Partition(0)}});
  rest();
  EXPECT_EQ(committed().offset, Offset(1)) << "what was done is committed first";
  gate.assign({{"in", Partition(0)}});
  rest();
  put("a", "k", 1);
  rest();
  worker.request_commit();
  settle();
  EXPECT_EQ(values("dead"), "null");
  EXPECT_EQ(values("out", 1) + values("out", 0), "a");
}

TEST_F(FailuresMeetOthers, ADeadLetterIsWrittenOnceWhereItsTaskIsLost) {
  create("dead");
  Worker& worker = start_member(nulls_set_aside(), with_dead_letters());
  put_null(0);
  rest();
  gate.lose();
  rest();
  gate.assign({{"in", Partition(0)}, {"in", Partition(1)}});
  rest();
  worker.request_commit();
  settle();
  EXPECT_EQ(values("dead"), "null");
}

TEST_F(FailuresMeetOthers, ARefusedLetterOfANullSuspendsItsTask) {
  log.create_topic({"dead", 1, {{"message.timestamp.after.max.ms", "1000"}}});
  WorkerOptions wanted = with_dead_letters();
  wanted.commit_interval = 100ms;
  Worker& worker = start_member(nulls_set_aside(), wanted);
  put_null(0, 9'000'000'000);
  put("a", "k", 1);
  EXPECT_THAT(backs_off(worker), AllOf(HasSubstr("task 0_0"), HasSubstr("dead")));
  run_until([&] { return values("out", 0) + values("out", 1) == "a"; });
  EXPECT_EQ(values("dead"), "");
}

TEST_F(FailuresMeetOthers, AWorkerThatIsPausedInAReplayCommitsWhatHasRun) {
  WorkerOptions wanted = options();
  wanted.max_records_per_step = 1;
  wanted.errors.processing = ErrorAction::kSkip;
  Worker& worker = start_member(checking([](const std::string&, const std::string& value) {
                                  if (value == "bad") throw std::runtime_error("no");
                                }),
                                wanted);
  for (const char* value : {"a", "b", "c", "bad", "d"}) put(value);
  run_until([&] { return worker.transaction().counts().aborts == 1; });
  run_until([&] { return worker.counts().records >= 5; });
  const auto& replaying = *worker.tasks().entries().begin()->second.task;
  ASSERT_TRUE(replaying.replaying()) << "in the middle of it";
  ASSERT_TRUE(replaying.has_progress());
  worker.set_paused(true);
  EXPECT_FALSE(spins(worker));
  clock.advance(1s);
  EXPECT_FALSE(spins(worker));
  EXPECT_EQ(worker.transaction().state(), ProducerState::kIdle);
  EXPECT_GT(committed().offset, Offset(0));
  worker.set_paused(false);
  settle();
  EXPECT_EQ(values("out", 0) + values("out", 1), "a b c d");
}

// What a processor's init() puts into its stores is for the next commit where the one at hand has been
// written already.
TEST_F(FailuresMeetOthers, ATaskThatBeginsInTheMiddleOfACommitIsInTheNextOne) {
  static constexpr KeyValueStoreName<std::string, std::string> kNotes("notes");
  class Noting final : public Processor<std::string, std::string, std::string, std::string> {
   public:
    void init() override { context().store(kNotes).put("began", "yes"); }
    void process(const Record<std::string, std::string>& record) override {
      context().forward(record.key, record.value);
    }
  };
  StreamsBuilder builder;
  builder.add_state_store(kNotes);
  builder.stream<std::string, std::string>("in")
      .process(Noting(), {.stores = {kNotes}, .name = "noting"})
      .to("out");
  Worker& worker = start(builder.build(), options());
  rest();
  gate.assign({{"in", Partition(0)}});
  settle();
  put("a");
  gate.holds_flushes = true;
  run_until([&] { return gate.flush_waits(); });
  gate.assign({{"in", Partition(1)}});
  rest();
  ASSERT_EQ(worker.tasks().entries().size(), 2u);
  EXPECT_FALSE(worker.tasks().opening());
  gate.flush();
  settle();
  put("b", "k", 1);
  settle();
  for (const int p : {0, 1}) {
    EXPECT_EQ(values("app-notes-changelog", p), "yes") << "partition " << p;
  }
}

// The search for a refused record goes on when the log has room again; until then nothing is due.
TEST_F(FailuresMeetOthers, ASearchWaitsForRoomInTheLogWithoutSpinning) {
  log.create_topic({"far", 1, {{"message.timestamp.after.max.ms", "3600000"}}});
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").to("far");
  WorkerOptions wanted = options();
  wanted.errors.production = ErrorAction::kSkip;
  Worker& worker = start_member(builder.build(), wanted);
  for (int i = 0; i < 40; ++i) put(std::string(500'000, 'x'), "k", 0, i == 39 ? kFarAhead : 1);
  run_until([&] { return worker.transaction().counts().aborts == 1; });
  gate.full = true;
  EXPECT_FALSE(spins(worker));
  clock.advance(1s);
  EXPECT_FALSE(spins(worker));
  gate.full = false;
  settle();
  EXPECT_EQ(log.read_all("far", Partition(0), Isolation::kReadCommitted).size(), 39u);
}

TEST_F(FailuresMeetOthers, ATaskThatWaitedForAnInputIsAskedBackAndNobodySpins) {
  create("in2", 2);
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .merge(builder.stream<std::string, std::string>("in2"))
      .to("out");
  WorkerOptions wanted = options();
  wanted.commit_interval = 60s;
  wanted.transaction_timeout = 900s;
  wanted.max_task_idle = 1s;
  put("a", "k", 0, 1);
  put("b", "k", 0, 2, "in2");
  put("c", "k", 0, 3);
  Worker& worker = start_member(builder.build(), wanted);
  ASSERT_EQ(worker.counts().records, 2) << "the third waits for the other input";
  gate.closed = true;
  gate.revoke({{"in", Partition(0)}});
  rest();
  ASSERT_TRUE(gate.commit_waits());
  clock.advance(2s);
  EXPECT_FALSE(spins(worker));
  gate.open_gate();
  rest();
  EXPECT_EQ(values("out", 0) + values("out", 1), "a b");
}

}  // namespace
}  // namespace millrace::worker
