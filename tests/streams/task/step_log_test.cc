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
    const std::size_t queue = log.next() ? *log.next() : fresh[next++];
    log.taken(queue);
    taken.push_back(queue);
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
          std::size_t queue = random() % 3;
          if (log.next()) {
            queue = *log.next();
          } else {
            expected.push_back(queue);
          }
          log.taken(queue);
          open.push_back(queue);
        }
      }
    }
    committed.insert(committed.end(), open.begin(), open.end());
    expected.resize(committed.size());
    EXPECT_EQ(committed, expected);
  }
}

}  // namespace
}  // namespace millrace::task
