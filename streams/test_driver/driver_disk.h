// The disk below a hostile test driver's stores, and how short its memory is: entries leave memory
// between records, batches are applied late, and what a restart finds is what a crash, a clean end or
// another machine left.
#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "millrace/detail/memory_budget.h"
#include "millrace/detail/memory_disk.h"
#include "worker/worker.h"

namespace millrace::detail {

// Not thread-safe. Outlives the workers whose stores lie here. All that it does follows from the seed.
class DriverDisk {
 public:
  explicit DriverDisk(std::uint64_t seed);

  // Effect: the next worker's stores lie here, and it counts its memory here.
  void put_below(worker::WorkerOptions& options);

  // Effect: the process is short of memory, or not any more. To be called before each step.
  void squeeze();

  // Effect: the tasks are as if nothing had been used for a while: some of their stores, or all, or
  // none of what the disk has is left in memory.
  void idle(worker::TaskSet& tasks);

  // Effect: the worker is gone; its successor finds this disk, maybe without what was written last,
  // or that of a machine which it ran on before, or never.
  void restart();

  std::int64_t reads() const;

 private:
  std::mt19937_64 random_;
  std::array<state::MemoryDiskHost, 2> machines_;
  std::size_t machine_ = 0;
  state::MemoryBudget memory_;
  state::MemoryShare others_;  // what others in the process take
};

}  // namespace millrace::detail
