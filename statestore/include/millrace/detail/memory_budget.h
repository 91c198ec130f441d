// The memory of a process in one number: what all tasks of all workers hold against one limit
// (DESIGN §4). Correctness never depends on it; eviction, fetching and early commits do.
//
//   MemoryBudget budget(512 << 20);
//   MemoryShare cells(budget, MemoryUse::kCells);     // one a holder
//   cells.set(store_bytes);                           // as often as its holder likes
//   if (const std::size_t over = budget.over()) ...   // evict that much, if you can
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace millrace::state {

enum class MemoryUse {
  kCells,          // entries of stores, their keys
  kUndo,           // old values of open transactions
  kBatches,        // committed changes that are not on disk yet
  kRetainedInput,  // records kept for a replay, and those that wait
  kRestore,        // what a restore has read and not applied
  kRocksDb,        // block cache and write buffers
};
inline constexpr std::size_t kMemoryUses = 6;

// Thread-safety: any thread; every call is a few relaxed atomic operations.
class MemoryBudget {
 public:
  // `limit`: 0 means unlimited.
  explicit MemoryBudget(std::size_t limit) : limit_(limit) {}

  std::size_t limit() const { return limit_; }
  std::size_t used(MemoryUse use) const;
  std::size_t used() const;
  // By how many bytes the limit is passed; 0: it is kept.
  std::size_t over() const;

  void add(MemoryUse use, std::int64_t bytes) {
    used_[static_cast<std::size_t>(use)].fetch_add(bytes, std::memory_order_relaxed);
  }

 private:
  const std::size_t limit_;
  std::array<std::atomic<std::int64_t>, kMemoryUses> used_{};
};

// What one holder has of the budget; given back when it ends. Not thread-safe. The budget lives
// longer.
class MemoryShare {
 public:
  MemoryShare(MemoryBudget& budget, MemoryUse use) : budget_(budget), use_(use) {}
  ~MemoryShare() { set(0); }
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;

  void set(std::size_t bytes) {
    budget_.add(use_, static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(held_));
    held_ = bytes;
  }

 private:
  MemoryBudget& budget_;
  const MemoryUse use_;
  std::size_t held_ = 0;
};

// The memory that this process may use: the machine's, or less where a control group says so (both
// versions). `root`: where /proc and /sys lie.
std::size_t memory_of_process(const std::filesystem::path& root = "/");

// What stores may use of that unless told otherwise: half. The rest is the Kafka client's queues, the
// program's own and what an allocator does not give back.
inline std::size_t default_memory_limit() { return memory_of_process() / 2; }

}  // namespace millrace::state
