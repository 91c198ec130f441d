// What a worker does about memory: it counts what it holds, and where the process holds too much it
// evicts, stops taking records and commits early, in this order (DESIGN §4). Nothing here changes a
// result.
#include <algorithm>

#include "worker/worker.h"

namespace millrace::worker {

// Steps of eviction between two looks at the inbox: some 0.1 ms each.
constexpr int kEvictionSteps = 8;

void Worker::keep_memory() {
  if (!memory_) return;
  std::size_t cells = 0;
  std::size_t input = 0;
  for (const auto& [id, entry] : tasks_->entries()) {
    cells += entry.task->store_bytes();
    input += entry.task->retained_bytes();
  }
  memory_->cells.set(cells);
  memory_->input.set(input);
  state::MemoryBudget& budget = *options_.memory;
  short_of_memory_ = budget.over() > 0;
  if (short_of_memory_) {
    memory_->cells.set(cells - std::min(cells, evict(budget.over())));
    // Batches hold cells in memory until they are on disk.
    for (const auto& [id, entry] : tasks_->entries()) entry.task->hurry_disk();
  }
  // Without new records it gets better by a commit and by what is written to disk. Where neither is
  // to come there is nothing to wait for: it goes on, with short transactions.
  const bool something_comes = anything_to_commit() || budget.used(state::MemoryUse::kBatches) > 0;
  tasks_->set_fetching(budget.over() == 0 || !something_comes);
}

// Effect: evicts from one task's stores after the other, bounded. Returns the bytes freed.
std::size_t Worker::evict(std::size_t bytes) {
  auto& entries = tasks_->entries();
  std::size_t freed = 0;
  for (int i = 0; i < kEvictionSteps && freed < bytes && !entries.empty(); ++i) {
    auto next = entries.upper_bound(evicted_last_);
    if (next == entries.end()) next = entries.begin();
    evicted_last_ = next->first;
    if (next->second.state != TaskState::kRunning) continue;
    const std::size_t step = next->second.task->evict(bytes - freed);
    if (step > 0) ++counts_.evictions;
    freed += step;
  }
  return freed;
}

}  // namespace millrace::worker
