// The search for a culprit: found by halves, whatever the order, and alone.
#include "worker/careful_mode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace millrace::worker {
namespace {

TaskId task(int p) { return {0, Partition(p)}; }

TEST(CarefulMode, AllowsAllUntilSomethingFails) {
  CarefulMode careful;
  EXPECT_FALSE(careful.active());
  EXPECT_TRUE(careful.may_run(task(0), 1'000, false));
}

TEST(CarefulMode, AfterALeftOutItemOnlyTheReplayRunsUntilItIsCommitted) {
  CarefulMode careful;
  careful.left_out();
  EXPECT_TRUE(careful.may_run(task(0), 7, true));
  EXPECT_FALSE(careful.may_run(task(0), 7, false));
  careful.committed({{task(0), 7}});
  EXPECT_FALSE(careful.active());
}

TEST(CarefulMode, AFailureWithoutAStepIsNobodys) {
  CarefulMode careful;
  EXPECT_EQ(careful.failed({{task(0), 0}}), std::nullopt);
  EXPECT_FALSE(careful.searching());
}

TEST(CarefulMode, AFailureOfSomebodyElseIsSearchedForFirst) {
  CarefulMode careful;
  EXPECT_EQ(careful.failed({{task(0), 4}}), std::nullopt);
  EXPECT_EQ(careful.failed({{task(1), 6}}), std::nullopt);
  EXPECT_FALSE(careful.may_run(task(0), 0, true));
  EXPECT_TRUE(careful.may_run(task(1), 2, true));
  EXPECT_FALSE(careful.may_run(task(1), 3, true)) << "half of them";
}

TEST(CarefulMode, ATaskThatIsGoneIsNoSuspect) {
  CarefulMode careful;
  EXPECT_EQ(careful.failed({{task(0), 4}, {task(1), 4}}), std::nullopt);
  careful.forget(task(0));
  EXPECT_TRUE(careful.may_run(task(1), 0, true));
  careful.forget(task(1));
  EXPECT_FALSE(careful.searching());
}

// Every step of every shape of transaction is found if it is the one that fails, in few transactions,
// and only it.
TEST(CarefulMode, FindsTheOneStepThatFails) {
  for (const std::vector<std::size_t>& shape :
       {std::vector<std::size_t>{1}, {2}, {7}, {16}, {3, 0, 5}, {1, 1, 1, 1}, {10, 1, 30}}) {
    for (std::size_t t = 0; t < shape.size(); ++t) {
      for (std::size_t bad = 0; bad < shape[t]; ++bad) {
        SCOPED_TRACE("step " + std::to_string(bad) + " of task " + std::to_string(t));
        CarefulMode careful;
        std::vector<std::size_t> done(shape.size(), 0);  // committed
        std::vector<CarefulMode::Taken> taken;
        for (std::size_t i = 0; i < shape.size(); ++i) taken.push_back({task(int(i)), shape[i]});
        std::optional<TaskId> culprit = careful.failed(taken);
        int transactions = 1;
        while (!culprit && ++transactions < 50) {
          bool fails = false;
          for (std::size_t i = 0; i < shape.size(); ++i) {
            std::size_t steps = 0;
            while (done[i] + steps < shape[i] && careful.may_run(task(int(i)), steps, true)) {
              fails = fails || (i == t && done[i] + steps == bad);
              ++steps;
            }
            taken[i].steps = steps;
          }
          if (fails) {
            culprit = careful.failed(taken);
          } else {
            careful.committed(taken);
            ASSERT_TRUE(careful.searching()) << "it was lost";
            for (std::size_t i = 0; i < shape.size(); ++i) done[i] += taken[i].steps;
          }
        }
        ASSERT_TRUE(culprit);
        EXPECT_EQ(*culprit, task(int(t)));
        EXPECT_EQ(done[t], bad) << "what came before it is committed";
        EXPECT_EQ(taken[t].steps, 1u);
        EXPECT_LE(transactions, 8);
        EXPECT_FALSE(careful.searching());
        EXPECT_TRUE(careful.active()) << "the replay is still to be committed";
      }
    }
  }
}

}  // namespace
}  // namespace millrace::worker
