// A punctuation that fails leaves no trace either: it is undone, its schedule goes on.
#include <gmock/gmock.h>

#include <set>
#include <stdexcept>

#include "streams/worker/failures.h"

namespace millrace::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const KeyValueStoreName<std::string, Fragile> kNotes("notes");

// Each 10 ms of stream time it adds the time to its store and sends what that holds; at some times it
// throws then, at others it does nothing at all.
class Ticker : public Processor<std::string, std::string, std::string, std::string> {
 public:
  Ticker(std::set<std::int64_t> throws_at, std::set<std::int64_t> idle_at)
      : throws_at_(std::move(throws_at)), idle_at_(std::move(idle_at)) {}

  void init() override {
    notes_ = &context().store(kNotes);
    context().schedule(Duration(10), PunctuationType::kStreamTime, [this](Timestamp now) {
      if (idle_at_.contains(to_ms(now))) return;
      Fragile ticks = notes_->get("ticks").value_or(Fragile{});
      ticks.text += std::to_string(to_ms(now)) + ".";
      notes_->put("ticks", ticks);
      context().forward("tick", ticks.text, {.timestamp = now});
      if (throws_at_.contains(to_ms(now))) throw std::domain_error("cannot tick");
    });
  }
  void process(const Record<std::string, std::string>& record) override {
    if (record.value == "!call") throw std::domain_error("cannot call this");
    if (record.value == "!write") notes_->put("bad", {record.value});  // shows at the changelog
    context().forward(record.key, record.value);
  }

 private:
  std::set<std::int64_t> throws_at_;
  std::set<std::int64_t> idle_at_;
  KeyValueStore<std::string, Fragile>* notes_ = nullptr;
};

Topology ticking(std::set<std::int64_t> throws_at, std::set<std::int64_t> idle_at) {
  StreamsBuilder builder;
  builder.add_state_store(kNotes, {.value_serde = FragileWriter{}});
  builder.stream<std::string, std::string>("in")
      .process(Ticker(std::move(throws_at), std::move(idle_at)),
               {.stores = {kNotes}, .name = "ticker"})
      .to("out");
  return builder.build();
}

const std::vector<Input>& input() {
  static const std::vector<Input> records = {{"a", "1", 3},  {"a", "2", 12}, {"a", "3", 35},
                                             {"a", "4", 39}, {"a", "5", 40}, {"a", "6", 71}};
  return records;
}

ErrorHandling processing(ErrorAction action) {
  return {.processing = action, .dead_letter_topic = "dead"};
}

class FailingPunctuator : public testing::TestWithParam<std::uint64_t> {
 protected:
  RunOptions options(ErrorAction action) const {
    RunOptions wanted;
    if (GetParam() > 0) wanted.hostile = GetParam();
    wanted.errors = processing(action);
    wanted.records_per_step = 1 + GetParam() % 5;
    wanted.commit_interval = Duration(static_cast<int>(1 + GetParam() % 3 * 50));
    return wanted;
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, FailingPunctuator, testing::Range<std::uint64_t>(0, 25));

TEST_P(FailingPunctuator, IsLeftOutWholeAndItsScheduleGoesOn) {
  const Seen clean = run(ticking({}, {35, 71}), input(), {});
  const Seen seen = run(ticking({35, 71}, {}), input(), options(ErrorAction::kDeadLetter));
  ASSERT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, clean.outputs);
  ASSERT_EQ(seen.dead_letters.size(), 2u);
  const auto& letter = seen.dead_letters.front();
  EXPECT_EQ(letter.key, std::nullopt);
  EXPECT_EQ(letter.value, std::nullopt);
  EXPECT_EQ(letter.timestamp, from_ms(35));
  EXPECT_EQ(letter.headers.last("__errors.node")->value, "ticker");
  EXPECT_EQ(letter.headers.last("__streams.errors.message")->value, "cannot tick");
  EXPECT_EQ(letter.headers.last("__streams.errors.topic"), nullptr);
}

// The time that a left-out record moved is moved back, and with it what became due.
TEST_P(FailingPunctuator, IsNotCalledForARecordThatIsLeftOut) {
  std::vector<Input> with_bad = input();
  with_bad.insert(with_bad.begin() + 2, {"a", "!call", 90});
  const Seen clean = run(ticking({}, {}), input(), {});
  const Seen seen = run(ticking({}, {}), with_bad, options(ErrorAction::kSkip));
  ASSERT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, clean.outputs);
}

// Nor is one lost that came due with such a record and now comes due at another, and one that failed
// for such a record has not failed.
TEST_P(FailingPunctuator, ComesDueAtAnotherRecordIfTheOneIsLeftOut) {
  const Seen clean = run(ticking({}, {}), input(), {});
  for (std::size_t place = 0; place <= input().size(); ++place) {
    for (const std::int64_t at : {20, 36, 41, 60, 90}) {
      std::vector<Input> with_bad = input();
      with_bad.insert(with_bad.begin() + static_cast<std::ptrdiff_t>(place), {"a", "!write", at});
      RunOptions wanted = options(ErrorAction::kDeadLetter);
      wanted.errors.production = ErrorAction::kDeadLetter;
      const Seen seen = run(ticking({90}, {}), with_bad, wanted);
      ASSERT_EQ(seen.failure, "");
      EXPECT_EQ(seen.outputs, clean.outputs) << "at " << at << " behind " << place;
      ASSERT_EQ(seen.dead_letters.size(), 1u);
      EXPECT_EQ(seen.dead_letters.front().value, "!write");
    }
  }
}

// Each punctuation is tried as often as a handler says, whatever became of earlier ones.
TEST_P(FailingPunctuator, IsTriedAgainAsOftenAsAHandlerSays) {
  std::set<std::int64_t> told;
  RunOptions wanted = options(ErrorAction::kFail);
  wanted.errors.processing = [&](const ErrorContext& context, const std::exception&) {
    if (context.attempt == 1) told.insert(to_ms(context.timestamp));
    return context.attempt < 2 ? ErrorAction::kRetry : ErrorAction::kSkip;
  };
  const Seen clean = run(ticking({}, {12, 35, 71}), input(), {});
  const Seen seen = run(ticking({12, 35, 71}, {}), input(), wanted);
  EXPECT_EQ(seen.outputs, clean.outputs);
  EXPECT_EQ(told, (std::set<std::int64_t>{12, 35, 71}));
}

TEST(FailingPunctuatorCounts, WhatIsSkipped) {
  const Seen seen = run(ticking({35}, {}), input(), {.errors = processing(ErrorAction::kSkip)});
  EXPECT_THAT(seen.dropped, ElementsAre(Pair("ticker/processing", 1)));
}

TEST(FailingPunctuatorCounts, WithoutAHandlerTheTaskBacksOffAndItIsNamed) {
  const Seen seen = run(ticking({35}, {}), input(), {});
  EXPECT_THAT(seen.failure, HasSubstr("the punctuation by stream time at 35 ms: node ticker"));
}

}  // namespace
}  // namespace millrace::worker
