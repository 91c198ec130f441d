// What a worker does for processors: it wakes up for the wall clock, commits what a punctuation did
// without any input, and commits early where a processor asks for it.
#include <gmock/gmock.h>

#include "millrace/dsl.h"
#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using namespace std::chrono_literals;
using Text = std::string;

class Ticking : public Processor<Text, Text, Text, Text> {
 public:
  void init() override {
    context().schedule(10s, PunctuationType::kWallClockTime, [this](Timestamp now) {
      context().forward("p", "tick" + std::to_string(to_ms(now)));
    });
  }
  void process(const Record<Text, Text>& record) override {
    if (record.value == "commit") context().commit();
    context().forward(record.key, record.value);
  }
};

Topology ticking() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in").process(Ticking()).to("out");
  return builder.build();
}

class WorkerPunctuation : public Bench {};

TEST_F(WorkerPunctuation, TheWallClockWakesAWorkerWithoutInput) {
  create_topics();
  Worker& worker = start(ticking(), options());
  settle();
  EXPECT_EQ(worker.next_timeout(), std::nullopt);
  ASSERT_EQ(worker.next_timer(), clock.monotonic() + 10s);
  clock.advance(9'999ms);
  rest();
  EXPECT_EQ(values("out", 0, Isolation::kReadUncommitted), "");
  clock.advance(1ms);
  settle();
  EXPECT_EQ(values(), "tick1010000");
  EXPECT_EQ(commits_in(committed()), 1);
  EXPECT_EQ(committed().offset, Offset(0));
  EXPECT_EQ(worker.counts().records, 0);
  EXPECT_EQ(worker.counts().punctuations, 1);
}

TEST_F(WorkerPunctuation, NothingIsDueWhileNoStepMayRun) {
  create_topics();
  Worker& worker = start(ticking(), options());
  settle();
  gate.closed = true;
  put("a");
  run_until([&] { return gate.commit_waits(); });
  clock.advance(60s);
  rest();
  const auto timer = worker.next_timer();
  EXPECT_TRUE(!timer || *timer > clock.monotonic()) << "or the thread would spin";
  gate.open_gate();
  settle();
  EXPECT_EQ(values().substr(0, 6), "a tick");
}

TEST_F(WorkerPunctuation, AProcessorAsksForACommit) {
  create_topics();
  WorkerOptions wanted = options();
  wanted.commit_interval = Duration(10min);
  wanted.transaction_timeout = Duration(15min);
  start(ticking(), wanted);
  settle();
  put("a");
  rest();
  clock.advance(100ms);
  rest();
  EXPECT_EQ(values(), "") << "the interval is far away";
  put("commit");
  rest();
  clock.advance(30ms);
  rest();
  EXPECT_EQ(values(), "a commit");
}

}  // namespace
}  // namespace millrace::worker
