// The order of an aborted transaction is the order of its replay, however often it is aborted, and
// wherever a commit falls in between.
#include "task/step_log.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace millrace::task {
namespace {

using Steps = std::vector<std::size_t>;

// Takes `count` steps: the replayed ones as the log says, then new ones.
Steps take(StepLog& log, std::size_t count, const Steps& fresh) {
  Steps taken;
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const WorkItem item = log.next() ? *log.next() : WorkItem::record(fresh[next++], {});
    log.taken(item);
    taken.push_back(item.queue());
  }
  return taken;
}

TEST(StepLog, AReplayTakesTheSameSteps) {
  StepLog log;
  const Steps steps = take(log, 6, {0, 0, 1, 0, 2, 2});
  EXPECT_EQ(log.next(), std::nullopt);
  log.abort();
  EXPECT_EQ(take(log, 6, {}), steps);
  EXPECT_EQ(log.next(), std::nullopt);
}

TEST(StepLog, AnAbortInMidReplayForgetsNothing) {
  StepLog log;
  const Steps steps = take(log, 6, {0, 0, 1, 0, 2, 2});
  log.abort();
  take(log, 3, {});
  log.abort();
  EXPECT_EQ(take(log, 6, {}), steps);
}

TEST(StepLog, ACommitInMidReplayLeavesTheRest) {
  StepLog log;
  const Steps steps = take(log, 6, {0, 0, 1, 0, 2, 2});
  log.abort();
  take(log, 4, {});
  log.commit();
  EXPECT_EQ(take(log, 1, {}), Steps(1, steps[4]));
  log.abort();
  EXPECT_EQ(take(log, 2, {}), Steps(steps.begin() + 4, steps.end()));
  EXPECT_EQ(log.next(), std::nullopt);
}

TEST(StepLog, PunctuationsAndReadingsOfTheClockAreRepeated) {
  const std::vector<WorkItem> items = {
      WorkItem::record(0, from_ms(5)),      WorkItem::record(0, from_ms(5)),
      WorkItem::record(0, from_ms(6)),      WorkItem::punctuation(0, from_ms(6)),
      WorkItem::punctuation(1, from_ms(6)), WorkItem::record(1, from_ms(9))};
  StepLog log;
  EXPECT_FALSE(log.any_taken());
  for (const WorkItem& item : items) log.taken(item);
  EXPECT_TRUE(log.any_taken());
  log.abort();
  EXPECT_FALSE(log.any_taken());
  for (const WorkItem& item : items) {
    ASSERT_TRUE(log.next());
    EXPECT_EQ(*log.next(), item);
    log.taken(item);
  }
  EXPECT_EQ(log.next(), std::nullopt);
}

TEST(StepLog, AStepThatCannotBeRepeatedIsLeftOut) {
  StepLog log;
  take(log, 4, {0, 0, 1, 2});
  log.abort();
  log.skip_next();
  EXPECT_EQ(take(log, 3, {}), (Steps{0, 1, 2}));
  log.abort();
  EXPECT_EQ(take(log, 3, {}), (Steps{0, 1, 2}));
}

TEST(StepLog, RandomAbortsAndCommitsKeepTheOrder) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    StepLog log;
    Steps committed;
    Steps open;      // taken, not committed
    Steps expected;  // the order in which each step was chosen first
    for (int i = 0; i < 300; ++i) {
      switch (random() % 8) {
        case 0:
          committed.insert(committed.end(), open.begin(), open.end());
          open.clear();
          log.commit();
          break;
        case 1:
          open.clear();
          log.abort();
          break;
        default: {
          WorkItem item = WorkItem::record(random() % 3, from_ms(i / 5));
          if (log.next()) {
            item = *log.next();
          } else {
            expected.push_back(item.queue());
          }
          log.taken(item);
          open.push_back(item.queue());
        }
      }
    }
    committed.insert(committed.end(), open.begin(), open.end());
    expected.resize(committed.size());
    EXPECT_EQ(committed, expected);
  }
}

// A punctuation may come between what is replayed; then that is still to come.
TEST(StepLog, WhatComesBetweenTakesNothingOff) {
  StepLog log;
  const WorkItem record = WorkItem::record(0, from_ms(1));
  const WorkItem punctuation = WorkItem::punctuation(7, from_ms(1));
  log.taken(record);
  log.abort();
  log.taken(punctuation);
  EXPECT_EQ(log.next(), record);
  log.taken(record);
  EXPECT_EQ(log.next(), std::nullopt);
  log.abort();
  EXPECT_EQ(log.next(), punctuation);
}

}  // namespace
}  // namespace millrace::task
