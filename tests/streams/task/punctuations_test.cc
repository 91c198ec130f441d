// When schedules are called (SEMANTICS R-P1, R-P2), and what of them survives an abort and a restart.
#include "task/punctuations.h"

#include <gmock/gmock.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include "streams/node/sample_nodes.h"

namespace millrace::task {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Calls = std::vector<std::int64_t>;
constexpr auto kStream = PunctuationType::kStreamTime;
constexpr auto kWall = PunctuationType::kWallClockTime;

class PunctuationsTest : public ::testing::Test {
 protected:
  PunctuationsTest() { node.set_name("ticker"); }

  // What init() does: one schedule.
  graph::ScheduleId init(PunctuationType type, std::int64_t interval, std::int64_t stream = -1,
                         std::int64_t wall = 0) {
    punctuations->begin_init();
    const auto id = add(type, interval, stream, wall);
    punctuations->end_init();
    return id;
  }
  graph::ScheduleId add(PunctuationType type, std::int64_t interval, std::int64_t stream = -1,
                        std::int64_t wall = 0) {
    return punctuations->add(
        node, Duration(interval), type, [this](Timestamp now) { calls.push_back(to_ms(now)); },
        from_ms(stream), from_ms(wall));
  }
  // Calls all that is due.
  Calls at(std::int64_t stream, std::int64_t wall = 0) {
    calls.clear();
    while (const auto id = punctuations->due(from_ms(stream), from_ms(wall)))
      punctuations->run(*id, from_ms(stream), from_ms(wall));
    return calls;
  }
  // The nodes go; what a restart keeps is what is persisted.
  void restart() {
    const auto persisted = memory.persisted();
    punctuations.reset();
    memory = state::TaskMemory();
    for (const auto& [name, value] : persisted) memory.load(name, value);
    punctuations.emplace(memory);
  }
  void abort() {
    punctuations->clear();
    memory.abort();
  }

  graph::testing::Trace trace;
  graph::testing::PassNode node{trace};
  state::TaskMemory memory;
  std::optional<Punctuations> punctuations{std::in_place, memory};
  Calls calls;
};

TEST_F(PunctuationsTest, ByStreamTimeAtOnceThenAtMultiplesOnceForAJump) {
  init(kStream, 10);
  EXPECT_THAT(at(-1), IsEmpty()) << "no stream time yet";
  EXPECT_THAT(at(3), ElementsAre(3));
  EXPECT_THAT(at(9), IsEmpty());
  EXPECT_THAT(at(10), ElementsAre(10));
  EXPECT_THAT(at(35), ElementsAre(35));
  EXPECT_THAT(at(39), IsEmpty());
  EXPECT_THAT(at(40), ElementsAre(40));
  EXPECT_EQ(punctuations->next_by_wall_clock(), std::nullopt);
}

TEST_F(PunctuationsTest, ByWallClockAfterOneIntervalOnceForAJump) {
  init(kWall, 10, -1, 3);
  EXPECT_EQ(punctuations->next_by_wall_clock(), from_ms(13));
  EXPECT_THAT(at(100, 12), IsEmpty());
  EXPECT_THAT(at(100, 13), ElementsAre(13));
  EXPECT_THAT(at(100, 45), ElementsAre(45));
  EXPECT_EQ(punctuations->next_by_wall_clock(), from_ms(53));
  EXPECT_THAT(at(100, 52), IsEmpty());
  EXPECT_THAT(at(100, 53), ElementsAre(53));
}

TEST_F(PunctuationsTest, StreamTimeComesFirstThenWhatIsDueLonger) {
  std::vector<std::string> order;
  const auto named = [&](PunctuationType type, std::int64_t interval, const char* name) {
    punctuations->add(
        node, Duration(interval), type, [&order, name](Timestamp) { order.emplace_back(name); },
        from_ms(0), from_ms(0));
  };
  punctuations->begin_init();
  named(kWall, 20, "wall 20");
  named(kWall, 10, "wall 10");
  named(kStream, 5, "stream a");
  named(kStream, 5, "stream b");
  punctuations->end_init();
  at(7, 30);
  EXPECT_THAT(order, ElementsAre("stream a", "stream b", "wall 10", "wall 20"));
}

TEST_F(PunctuationsTest, AnAbortTakesBackWhatWasCalledAndCancelled) {
  init(kStream, 10);
  const auto wall = init(kWall, 10);
  at(12, 15);
  memory.commit();
  at(25, 25);
  punctuations->cancel(wall);
  abort();
  init(kStream, 10, 12, 99);
  init(kWall, 10, 12, 99);
  EXPECT_THAT(at(12, 19), IsEmpty());
  EXPECT_THAT(at(20, 20), ElementsAre(20, 20));
}

TEST_F(PunctuationsTest, AnAbortKeepsACommittedCancellation) {
  const auto id = init(kStream, 10);
  punctuations->cancel(id);
  memory.commit();
  abort();
  EXPECT_EQ(init(kStream, 10), id);
  EXPECT_THAT(at(100), IsEmpty());
  EXPECT_FALSE(punctuations->has(id));
}

TEST_F(PunctuationsTest, ARestartRemembersStreamTimeAndForgetsTheWallClock) {
  init(kStream, 10);
  init(kWall, 10);
  at(12, 15);
  memory.commit();
  restart();
  init(kStream, 10, 12, 1000);
  init(kWall, 10, 12, 1000);
  EXPECT_THAT(at(19, 1009), IsEmpty());
  EXPECT_THAT(at(20, 1010), ElementsAre(20, 1010));
}

TEST_F(PunctuationsTest, ACallThatWasDueAtTheEndIsMadeAfterARestart) {
  init(kStream, 10);
  at(12);
  memory.commit();
  restart();
  init(kStream, 10, 31);  // the record of 31 was committed, the call was not
  EXPECT_THAT(at(31), ElementsAre(31));
}

TEST_F(PunctuationsTest, ANewIntervalHoldsAfterARestart) {
  init(kStream, 1000);
  at(12);
  memory.commit();
  restart();
  init(kStream, 10, 12);
  EXPECT_THAT(at(19), IsEmpty());
  EXPECT_THAT(at(20), ElementsAre(20));
}

TEST_F(PunctuationsTest, AScheduleKeepsItsNumberWhereInitLeavesOutAnother) {
  const auto first = init(kWall, 10);
  punctuations->begin_init();
  const auto second = add(kStream, 10);
  punctuations->end_init();
  memory.commit();
  abort();
  punctuations->begin_init();
  EXPECT_EQ(add(kStream, 10), second);
  punctuations->end_init();
  EXPECT_FALSE(punctuations->has(first));
}

TEST_F(PunctuationsTest, SchedulesMadeLaterEndWithAnAbortAndKeepTheirNumbersInAReplay) {
  const auto first = add(kStream, 10, 5);
  memory.commit();
  const auto second = add(kStream, 10, 5);
  abort();
  EXPECT_FALSE(punctuations->has(first));
  EXPECT_THAT(at(100), IsEmpty());
  EXPECT_EQ(add(kStream, 10, 5), second) << "the replay makes it again";
}

TEST_F(PunctuationsTest, ACallMayCancelItselfAndMakeSchedules) {
  graph::ScheduleId id = 0;
  id = punctuations->add(
      node, Duration(10), kWall,
      [&](Timestamp now) {
        calls.push_back(to_ms(now));
        punctuations->cancel(id);
        for (int i = 0; i < 100; ++i) add(kWall, 7, 0, to_ms(now));
      },
      from_ms(0), from_ms(0));
  EXPECT_THAT(at(0, 10), ElementsAre(10));
  EXPECT_FALSE(punctuations->has(id));
  EXPECT_EQ(at(0, 17).size(), 100u);
}

TEST_F(PunctuationsTest, WhatACallThrowsHasItsNodesName) {
  const auto id = punctuations->add(
      node, Duration(10), kWall, [](Timestamp) { throw std::runtime_error("no"); }, from_ms(0),
      from_ms(0));
  try {
    punctuations->run(id, from_ms(0), from_ms(10));
    FAIL();
  } catch (const graph::NodeError& error) {
    EXPECT_EQ(error.node(), "ticker");
  }
}

// A record may say "never": the last time there is.
TEST_F(PunctuationsTest, WhatIsDueAfterTheEndOfTimeIsNeverDue) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t interval : {std::int64_t{1}, std::int64_t{10}, kEnd - 1, kEnd}) {
    for (const std::int64_t now : {kEnd, kEnd - 1}) {
      SCOPED_TRACE("interval " + std::to_string(interval));
      restart();
      const auto id = init(kStream, interval);
      calls.clear();
      punctuations->run(id, from_ms(now), from_ms(0));
      EXPECT_THAT(calls, ElementsAre(now));
      EXPECT_EQ(punctuations->due(from_ms(kEnd), from_ms(0)), std::nullopt);
      EXPECT_FALSE(punctuations->is_due(id, from_ms(kEnd), from_ms(0)));
      memory.commit();
      restart();
      init(kStream, interval, now);
      EXPECT_EQ(punctuations->due(from_ms(kEnd), from_ms(0)), std::nullopt) << "after a restart";
    }
  }
}

TEST_F(PunctuationsTest, AnIntervalThatEndsAfterAllTimeIsNeverOver) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  init(kWall, kEnd, 0, 1'000);
  EXPECT_EQ(punctuations->next_by_wall_clock(), std::nullopt);
  EXPECT_EQ(punctuations->due(from_ms(0), from_ms(kEnd)), std::nullopt);
}

TEST_F(PunctuationsTest, IntervalsAreAtLeastOneMillisecond) {
  EXPECT_THROW(add(kWall, 0), std::invalid_argument);
}

}  // namespace
}  // namespace millrace::task
