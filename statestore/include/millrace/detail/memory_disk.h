// A disk in memory: the seam of disk_host.h over std::map, for tests. What is submitted is applied
// when the test says so, or late by a seed, so that stores meet every state of their disk.
//
//   state::MemoryDiskHost host({.seed = 7});     // each look at applied() may apply some batches
//   auto task = host.open_task({.directory = "orders-3", .stores = {{"counts", {}}}}, [] {});
//   KeyValueCells store(..., &task->table("counts"));
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "millrace/clock.h"
#include "millrace/detail/disk_host.h"

namespace millrace::state {

// Whether and when batches are applied that were submitted.
struct MemoryDiskOptions {
  // Sometimes, as chosen by this seed, at looks at applied(); after hurry() at the next. nullopt: at
  // once.
  std::optional<std::uint64_t> seed = {};
  // By which tables tell how old they are; outlives the host. nullptr: none ever gets too old.
  const Clock* clock = nullptr;
};

// Unlike the real one not thread-safe: its thread is the task's. Nothing waits: a task is open at
// once. Outlives what it opened.
class MemoryDiskHost final : public DiskHost {
 public:
  explicit MemoryDiskHost(MemoryDiskOptions options = {});
  ~MemoryDiskHost() override;
  MemoryDiskHost(const MemoryDiskHost&) = delete;
  MemoryDiskHost& operator=(const MemoryDiskHost&) = delete;

  // A store whose facts differ from those of the last opening fails, as on a real disk.
  std::unique_ptr<TaskDisk> open_task(TaskDiskSpec spec, std::function<void()> wake) override;
  std::size_t memory_bytes() const override;

  // Effect: what was submitted and not applied yet is gone, as after a crash.
  void crash();

  // How often a store asked for entries: each call of get(), multi_get() or scan().
  std::int64_t reads() const { return reads_; }

 private:
  struct Directory;
  class Task;
  class Table;

  MemoryDiskOptions options_;
  std::int64_t reads_ = 0;
  std::map<std::string, std::unique_ptr<Directory>> directories_;
};

}  // namespace millrace::state
