// Where the stores of a process lie on disk: one directory per application, one database per task in
// it, one table per store (DESIGN §4). Behind it stand RocksDB and, for tests, plain memory.
//
//   auto task = host.open_task({.directory = "orders-3", .stores = {identity...}}, wake);
//   ... later, after wake(): task->state() == TaskDisk::State::kOpen
//   state::DiskTable& table = task->table("counts");
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/detail/disk_table.h"

namespace millrace::state {

// What a store on disk says of itself, checked at every opening: a difference is an error that shows
// both (never a number that shifts when an operator is added elsewhere).
struct StoreIdentity {
  std::string store;
  // E.g. {"kind", "timestamped-window"}, {"window.size.ms", "60000"}, {"retention.ms", ...},
  // {"key.serde", ...}, {"value.serde", ...}, {"changelog", topic}, {"partitions", "8"}. Compared as
  // texts, all of them.
  std::map<std::string, std::string> facts;
  // How long its changelog keeps deletions (delete.retention.ms). A table that was complete last more
  // than half of that ago may never hear of some: it is made anew at the opening, and says so.
  // Duration::max(): for ever.
  Duration deletions_kept = Duration::max();
};

// Whether a table that was complete last at this time may have missed a deletion. kNoTimestamp: whether
// it ever was is not known.
bool is_stale(Timestamp complete_as_of, Timestamp now, Duration deletions_kept);

struct TaskDiskSpec {
  std::string directory;  // below the application's: anchor topic and partition (DESIGN §6)
  std::vector<StoreIdentity> stores;
};

// A task's tables, open or on the way. Destroying it closes them: what was submitted is applied first,
// in the background; the same directory can be opened again meanwhile and waits for that.
// Thread-safety: one thread uses it.
class TaskDisk {
 public:
  enum class State { kOpening, kOpen, kFailed };
  virtual ~TaskDisk() = default;
  virtual State state() const = 0;
  // kFailed: one clear message: which file or store, what differs, what was kept, what to do.
  virtual const std::string& failure() const = 0;
  // REQUIRES: kOpen; the store is one of the spec's. Lifetime: this object's.
  virtual DiskTable& table(std::string_view store) = 0;
};

// Thread-safety: any thread.
class DiskHost {
 public:
  virtual ~DiskHost() = default;
  // Effect: begins to open, never waits. `wake` is called, from any thread, when the state changed,
  // when batches were applied, and when health() changed; not any more once the TaskDisk is gone. It
  // must neither call into the TaskDisk nor throw. Two that are open at once have different directories.
  virtual std::unique_ptr<TaskDisk> open_task(TaskDiskSpec spec, std::function<void()> wake) = 0;
  // Bytes in memory of batches that are not applied yet, of caches and write buffers.
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace millrace::state
