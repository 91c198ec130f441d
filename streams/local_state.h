// What an application keeps on this machine: the stores on disk, and the memory of all its threads
// against one limit. Opened when the application starts, closed after its threads.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "millrace/config.h"
#include "millrace/detail/disk_host.h"
#include "millrace/detail/memory_budget.h"
#include "millrace/detail/rocks_disk_host.h"
#include "topology/built_graph.h"

namespace millrace {

// Whether any store of the graph is to lie on disk: else no directory is made.
bool has_stores_on_disk(const graph::BuiltGraph& graph);

// Thread-safety: open() comes before all else; disks() and memory() as they say.
class LocalState final : private state::DiskHost {
 public:
  // `config.logger` is set; it outlives this. Nothing is touched yet.
  LocalState(const graph::BuiltGraph& graph, const StreamsConfig& config);
  // Effect: what is not closed by now is given up, as in a crash: the changelogs have it.
  ~LocalState() override;

  // Effect: takes the directory, where there are stores to lie in it. Errors: StoppedError: another
  // process has it, it is not ours alone, it cannot be written to.
  void open();

  // nullptr where all stores lie in memory. May be handed on before open().
  state::DiskHost* disks() { return on_disk_ ? this : nullptr; }
  state::MemoryBudget& memory() { return memory_; }

  // Effect: waits, at most so long, until all that was submitted is on disk. Returns whether it is.
  bool wait_closed(Duration timeout);

 private:
  std::unique_ptr<state::TaskDisk> open_task(state::TaskDiskSpec spec,
                                             std::function<void()> wake) override;
  std::size_t memory_bytes() const override;

  const bool on_disk_;
  const StreamsConfig& config_;
  state::MemoryBudget memory_;
  std::unique_ptr<state::RocksDiskHost> host_;
};

}  // namespace millrace
