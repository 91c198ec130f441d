// The stores of a process in RocksDB: one database per task, one column family per store, below one
// directory that no other process may use meanwhile (docs/stores.md, docs/format/state.md).
//
//   auto host = RocksDiskHost::open({.directory = state_dir / application_id, .logger = &logger});
//   if (!host.ok()) throw StoppedError(host.status().message());
//   auto task = host.value()->open_task(spec, wake);
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "millrace/clock.h"
#include "millrace/detail/disk_host.h"
#include "millrace/detail/memory_budget.h"
#include "millrace/logging.h"
#include "millrace/rocksdb_options.h"

namespace rocksdb {
class FileSystem;
}

namespace millrace::state {

struct RocksHostOptions {
  std::filesystem::path directory;  // of the application
  // Shared by all databases, and never passed by much: blocks that were read, and what is written
  // but not flushed.
  std::size_t cache_bytes = std::size_t{32} << 20;
  std::size_t write_buffer_bytes = std::size_t{64} << 20;
  // The applier: how long and how much it collects before it writes, from how many bytes on it writes
  // sorted files, how long it waits after a write that failed.
  Duration collect_for{1000};
  std::size_t collect_bytes = std::size_t{64} << 20;
  std::size_t ingest_from = std::size_t{16} << 20;
  Duration retry_after{1000};
  RocksDbOptions rocksdb = {};
  // Told what waits to be applied, and of both sizes above; outlives the host. nullptr: nobody counts.
  MemoryBudget* budget = nullptr;
  Logger* logger = nullptr;  // nullptr: nobody listens; outlives the host
  // The wall clock, outlives the host; nullptr: the system's.
  const Clock* clock = nullptr;
  // For tests: files are kept there; nullptr: the machine's.
  std::shared_ptr<rocksdb::FileSystem> file_system = nullptr;
};

// $XDG_STATE_HOME/millrace, else ~/.local/state/millrace: where state lies unless told otherwise.
// Errors: kFatal where neither is known.
Result<std::filesystem::path> default_state_directory();

// Thread-safety: any thread. Its TaskDisks are destroyed before it.
class RocksDiskHost final : public DiskHost {
 public:
  // Effect: takes the directory for this process and says which RocksDB is linked. Errors: kFatal:
  // another process has it (which, since when), it is not ours alone, it cannot be written to.
  static Result<std::unique_ptr<RocksDiskHost>> open(RocksHostOptions options);
  // Effect: waits until everything is applied and closed; where the disk refuses, the changelog has
  // the rest.
  ~RocksDiskHost() override;

  std::unique_ptr<TaskDisk> open_task(TaskDiskSpec spec, std::function<void()> wake) override;
  std::size_t memory_bytes() const override;

  // Effect: waits until all that was destroyed is applied and closed, at most so long. Returns whether
  // it is. A process that ends before that loses time at its next start, nothing else.
  bool wait_closed(Duration timeout);

  // Effect: ends as a crash would: nothing more is applied or flushed. Nothing of it may be used
  // after that, but the TaskDisks may still be destroyed.
  void abandon();

 private:
  struct Core;
  explicit RocksDiskHost(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace millrace::state
