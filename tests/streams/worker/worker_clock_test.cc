// The wall clock jumps while a worker runs: back by an hour or a year, ahead by a year. Nothing is lost or
// doubled, commits keep their interval, and nobody spins: what takes time is measured by the other clock.
#include <gmock/gmock.h>

#include "millrace/dsl.h"
#include "streams/worker/bench.h"

namespace millrace::worker {
namespace {

using namespace std::chrono_literals;
using Text = std::string;

constexpr Duration kYear = 365 * 24h;

// A wall clock that can be set to another time; time itself goes on.
class JumpingClock final : public Clock {
 public:
  explicit JumpingClock(const Clock& below) : below_(below) {}
  Timestamp now() const override { return below_.now() + ahead_; }
  Duration monotonic() const override { return below_.monotonic(); }
  void jump(Duration by) { ahead_ += by; }

 private:
  const Clock& below_;
  Duration ahead_{};
};

constexpr KeyValueStoreName<Text, std::int64_t> kSeen("seen");

// Counts records, and ticks each ten seconds.
class Counting final : public Processor<Text, Text, Text, Text> {
 public:
  void init() override {
    seen_ = &context().store(kSeen);
    context().schedule(10s, PunctuationType::kWallClockTime,
                       [this](Timestamp) { context().forward("p", "tick"); });
  }
  void process(const Record<Text, Text>& record) override {
    const std::int64_t n = seen_->get(record.key).value_or(0) + 1;
    seen_->put(record.key, n);
    context().forward(record.key, std::to_string(n));
  }

 private:
  KeyValueStore<Text, std::int64_t>* seen_ = nullptr;
};

class WorkerClock : public Bench, public ::testing::WithParamInterface<Duration> {
 protected:
  WorkerClock() {
    create_topics();
    StreamsBuilder builder;
    builder.add_state_store(kSeen);
    builder.stream<Text, Text>("in").process(Counting(), {.stores = {kSeen}}).to("out");
    topology_ = builder.build();
    start_anew();
    jumping.jump(2 * kYear);  // there is a time to go back to
  }
  Worker& start_anew() {
    workers.push_back(
        std::make_unique<Worker>(topology_->graph(), options(), gate, jumping, logger));
    return *workers.back();
  }
  Worker& worker() { return *workers.back(); }

  // Effect: one record, which must be committed when its interval is over, and not much later.
  void count_one() {
    put("v");
    ++put_;
    const Duration before = clock.monotonic();
    run_until([&] { return committed().offset == Offset(put_); });
    EXPECT_LE(clock.monotonic() - before, 1s);
    expect_exact();
  }
  void expect_exact() {
    std::int64_t n = 0;
    ticks_ = 0;
    for (const auto& record : log.read_all("out", Partition(0), Isolation::kReadCommitted)) {
      if (record.key == "p") {
        ++ticks_;
      } else {
        EXPECT_EQ(record.value, std::to_string(++n));
      }
    }
    EXPECT_EQ(n, put_);
  }

  JumpingClock jumping{clock};
  std::optional<Topology> topology_;
  std::int64_t put_ = 0;
  int ticks_ = 0;
};

TEST_P(WorkerClock, MayJumpAtAnyTime) {
  count_one();
  // In an open transaction, in one that is committed, and while nothing is under way.
  put("v");
  ++put_;
  rest();
  jumping.jump(GetParam());
  count_one();
  gate.closed = true;
  put("v");
  ++put_;
  run_until([&] { return gate.commit_waits(); });
  jumping.jump(GetParam());
  rest();
  gate.open_gate();
  count_one();
  settle();
  jumping.jump(GetParam());
  for (int i = 0; i < 5; ++i) count_one();
  EXPECT_EQ(worker().failure(), "");

  // One that starts with the clock elsewhere finds all that was committed.
  worker().close();
  run_until([&] { return worker().finished(); });
  kill(worker());
  jumping.jump(GetParam());
  start_anew();
  for (int i = 0; i < 5; ++i) count_one();
  EXPECT_EQ(worker().failure(), "");
}

TEST_P(WorkerClock, LeavesNobodySpinning) {
  count_one();
  settle();
  jumping.jump(GetParam());
  settle();  // what became due by the jump is done
  for (int i = 0; i < 3; ++i) {
    const auto next = worker().next_timer();
    ASSERT_TRUE(!next || *next > clock.monotonic()) << "it would be asked again at once";
    clock.advance(1s);
    rest();
  }
}

// A punctuation is due at a time of the wall clock (SEMANTICS R-P2): a jump ahead over many calls it once,
// a jump back puts it off until that time comes again.
TEST_P(WorkerClock, PunctuatesByItAlone) {
  const Duration by = GetParam();
  settle();
  clock.advance(10s);
  settle();
  expect_exact();
  const int before = ticks_;
  EXPECT_GE(before, 1);
  jumping.jump(by);
  settle();
  expect_exact();
  EXPECT_EQ(ticks_, before + (by > 0s ? 1 : 0));
  clock.advance(10s);
  settle();
  expect_exact();
  EXPECT_EQ(ticks_, before + (by > 0s ? 2 : 0));
  jumping.jump(-by);
  jumping.jump(by > 0s ? by : 0s);
  clock.advance(10s);
  settle();
  expect_exact();
  EXPECT_EQ(ticks_, before + (by > 0s ? 3 : 1)) << "the old time is back";
}

INSTANTIATE_TEST_SUITE_P(Jumps, WorkerClock,
                         ::testing::Values(Duration(-1h), Duration(-kYear / 4), Duration(kYear)),
                         [](const auto& test) {
                           return test.param > 0s     ? "AheadByAYear"
                                  : test.param == -1h ? "BackByAnHour"
                                                      : "BackByAQuarter";
                         });

}  // namespace
}  // namespace millrace::worker
