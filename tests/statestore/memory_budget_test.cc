#include "millrace/detail/memory_budget.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace millrace::state {
namespace {

TEST(MemoryBudget, CountsByUseAndSaysHowMuchIsTooMuch) {
  MemoryBudget budget(1000);
  {
    MemoryShare cells(budget, MemoryUse::kCells);
    MemoryShare more_cells(budget, MemoryUse::kCells);
    MemoryShare batches(budget, MemoryUse::kBatches);
    cells.set(400);
    more_cells.set(300);
    batches.set(300);
    EXPECT_EQ(budget.used(MemoryUse::kCells), 700u);
    EXPECT_EQ(budget.used(), 1000u);
    EXPECT_EQ(budget.over(), 0u);
    cells.set(450);
    EXPECT_EQ(budget.over(), 50u);
    cells.set(100);
    EXPECT_EQ(budget.used(MemoryUse::kCells), 400u);
  }
  EXPECT_EQ(budget.used(), 0u);
  MemoryBudget unlimited(0);
  MemoryShare all(unlimited, MemoryUse::kUndo);
  all.set(std::size_t{1} << 50);
  EXPECT_EQ(unlimited.over(), 0u);
}

class MemoryOfProcess : public testing::Test {
 protected:
  MemoryOfProcess() {
    std::filesystem::remove_all(root_);
    write("proc/meminfo", "MemTotal:       8388608 kB\nMemFree: 1 kB\n");
  }
  ~MemoryOfProcess() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  static constexpr std::size_t kGiB = std::size_t{1} << 30;
  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("millrace-memory-" + std::to_string(::getpid()));
};

TEST_F(MemoryOfProcess, IsTheMachinesWhereNobodyLimitsIt) {
  EXPECT_EQ(memory_of_process(root_), 8 * kGiB);
  write("proc/self/cgroup", "0::/app\n");
  write("sys/fs/cgroup/app/memory.max", "max\n");
  EXPECT_EQ(memory_of_process(root_), 8 * kGiB);
}

TEST_F(MemoryOfProcess, IsTheTightestLimitOfItsControlGroups) {
  write("proc/self/cgroup", "0::/slice/app\n");
  write("sys/fs/cgroup/slice/app/memory.max", "4294967296\n");
  EXPECT_EQ(memory_of_process(root_), 4 * kGiB);
  write("sys/fs/cgroup/slice/memory.max", "2147483648\n");
  EXPECT_EQ(memory_of_process(root_), 2 * kGiB);
  // Seen from inside of a container, its own group is the root.
  write("sys/fs/cgroup/memory.max", "1073741824\n");
  EXPECT_EQ(memory_of_process(root_), kGiB);
}

TEST_F(MemoryOfProcess, KnowsTheFirstVersionOfControlGroups) {
  write("proc/self/cgroup", "11:cpu,cpuacct:/x\n5:memory:/docker/abc\n");
  write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "3221225472\n");
  EXPECT_EQ(memory_of_process(root_), 3 * kGiB);
}

TEST(MemoryOfThisProcess, IsSomething) { EXPECT_GT(memory_of_process(), std::size_t{1} << 20); }

}  // namespace
}  // namespace millrace::state
