// What failures and dead letters come to when tasks are asked back or lost, or the worker is paused,
// at the same time.
#include <gmock/gmock.h>

#include <stdexcept>
#include <vector>

#include "millrace/dsl.h"
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

}  // namespace
}  // namespace millrace::worker
