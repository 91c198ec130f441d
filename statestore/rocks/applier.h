// The changelog applier: one thread per process that writes what was committed into RocksDB, and
// closes databases whose tasks are gone (DESIGN §4, ENGINE §6).
//
// What a table has waiting is written when it has waited `collect_for`, when it is `collect_bytes`
// large, or at once where somebody is in a hurry. A write that fails is repeated after `retry_after`;
// nothing is forgotten meanwhile. Neither the logger nor a task's `wake` is called under the lock.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "millrace/detail/disk_table.h"
#include "millrace/detail/memory_budget.h"
#include "millrace/logging.h"
#include "rocks/task_database.h"

namespace millrace::state::rocks {

struct ApplierOptions {
  Duration collect_for{1000};
  std::size_t collect_bytes = std::size_t{64} << 20;
  std::size_t ingest_from = std::size_t{16} << 20;
  Duration retry_after{1000};
};

struct OpenTask;

// What waits for one table. Filled by the table's thread, emptied by the applier; all of it is guarded
// by the applier's lock but for `applied`.
struct WaitingBatches {
  OpenTask* task = nullptr;
  Family* family = nullptr;
  std::deque<CommitBatch> batches;
  std::size_t bytes = 0;
  std::int64_t submitted = 0;
  bool hurried = false;
  std::chrono::steady_clock::time_point since{};  // the oldest was submitted
  std::atomic<std::int64_t> applied{0};
};

// A task's open database with what waits for its tables. `wake` is called without any lock.
struct OpenTask {
  std::string name;  // its directory
  std::unique_ptr<TaskDatabase> database;
  std::vector<std::unique_ptr<WaitingBatches>> tables;
  std::function<void()> wake;
  // Guarded by the applier's lock:
  Status health;                                       // of all its tables: they share a disk
  std::chrono::steady_clock::time_point not_before{};  // after a failure
  bool closing = false;
  std::function<void()> closed;
};

// Thread-safety: any thread.
class Applier {
 public:
  // The budget may be null.
  Applier(ApplierOptions options, MemoryBudget* budget, Logger& logger);
  // Effect: as stop(); what is left is forgotten.
  ~Applier();

  // Effect: its tables are looked after from now on.
  void add(std::shared_ptr<OpenTask> task);
  // Effect: applies what waits, closes the database, then calls `closed`, on the applier's thread.
  // Where the disk refuses, what waits is left to the changelog.
  void close(const std::shared_ptr<OpenTask>& task, std::function<void()> closed);

  BatchNumber submit(WaitingBatches& table, CommitBatch batch);
  void hurry(WaitingBatches& table);
  Status health(const WaitingBatches& table) const;
  std::size_t waiting_bytes() const;

  // Effect: waits until all tasks that close are closed, at most so long. Returns whether they are.
  bool wait_closed(Duration timeout);
  // Effect: ends after the write at hand; databases that are still there lose what was not flushed.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void loop();
  bool due(const WaitingBatches& table, Clock::time_point now) const;
  std::optional<Clock::time_point> due_at(const OpenTask& task) const;
  std::shared_ptr<OpenTask> next(Clock::time_point now);
  void work_on(OpenTask& task, std::unique_lock<std::mutex>& lock);
  void try_work_on(OpenTask& task, std::unique_lock<std::mutex>& lock);
  bool recover(OpenTask& task, std::unique_lock<std::mutex>& lock);
  bool apply(OpenTask& task, WaitingBatches& table, std::unique_lock<std::mutex>& lock);
  void fail(OpenTask& task, const Status& status, std::unique_lock<std::mutex>& lock);
  void close_now(const std::shared_ptr<OpenTask>& task, std::unique_lock<std::mutex>& lock);
  void tell_incomplete(const OpenTask& task, const Status& closed) noexcept;
  void count(WaitingBatches& table, std::int64_t bytes);
  void forget_batches(OpenTask& task);
  static std::string where(const OpenTask& task);

  const ApplierOptions options_;
  MemoryBudget* const budget_;
  Logger& logger_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for the applier
  std::condition_variable closed_;   // for wait_closed()
  std::vector<std::shared_ptr<OpenTask>> tasks_;
  std::size_t waiting_bytes_ = 0;
  std::size_t turn_ = 0;  // of tasks_: whose table is looked at first
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace::state::rocks
