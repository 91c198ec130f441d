// A task's half of its disk: which stores lie there, when they can be made, what leaves memory.
#include <algorithm>

#include "millrace/detail/assert.h"
#include "task/stream_task.h"

namespace millrace::task {

// A store without a changelog stays in memory: nothing could bring it to where the committed offsets
// are.
void StreamTask::open_disk(const graph::SubtopologyPlan& plan) {
  if (!environment_.disks) return;
  state::TaskDiskSpec spec;
  for (const Changelog& changelog : changelogs_) {
    const graph::StoreSpec& store = environment_.graph.store(changelog.store);
    if (!store.persistent) continue;
    state::StoreIdentity identity{store.name, store.facts};
    identity.facts["changelog"] = changelog.where.topic;
    identity.facts["partitions"] =
        std::to_string(environment_.plan.partitions.at(changelog.where.topic));
    const auto kept = environment_.plan.deletions_kept.find(changelog.where.topic);
    if (kept != environment_.plan.deletions_kept.end()) identity.deletions_kept = kept->second;
    spec.stores.push_back(std::move(identity));
  }
  if (spec.stores.empty()) return;
  spec.directory = to_string(TopicPartition{plan.anchor_topic, id_.partition});
  disk_ = environment_.disks->open_task(std::move(spec), environment_.wake);
}

state::TaskDisk::State StreamTask::open_stores() {
  if (!disk_) return state::TaskDisk::State::kOpen;
  const state::TaskDisk::State state = disk_->state();
  if (state == state::TaskDisk::State::kOpen && stores_.empty()) make_stores();
  return state;
}

void StreamTask::make_stores() {
  for (const std::string& name : subtopology_.stores) {
    const auto changelog = std::find_if(changelogs_.begin(), changelogs_.end(),
                                        [&](const Changelog& c) { return c.store == name; });
    const graph::StoreSpec& spec = environment_.graph.store(name);
    const bool on_disk = disk_ && changelog != changelogs_.end() && spec.persistent;
    state::DiskTable* const table = on_disk ? &disk_->table(name) : nullptr;
    auto made = spec.make(table);
    made->bind(memory_);
    made->forget_typed_values(environment_.forget_typed_values);
    if (on_disk) evictable_.push_back(made.get());
    if (changelog != changelogs_.end()) {
      changelog->cells = made.get();
      changelog->table = table;
      savepoint_.add(*made,
                     changelog_targets_[static_cast<std::size_t>(changelog - changelogs_.begin())]);
    } else {
      unlogged_.push_back(made.get());
      savepoint_.add(*made, std::nullopt);
    }
    stores_.emplace(name, std::move(made));
  }
}

Offset StreamTask::purge_bound(const Changelog& changelog) const {
  return changelog.windowed ? Offset(memory_.committed(changelog.purge_bound)) : kNoOffset;
}

std::size_t StreamTask::store_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, cells] : stores_) bytes += cells->bytes();
  return bytes;
}

std::size_t StreamTask::evict(std::size_t bytes) {
  if (evictable_.empty()) return 0;
  evicted_last_ = (evicted_last_ + 1) % evictable_.size();
  return evictable_[evicted_last_]->evict(bytes);
}

void StreamTask::hurry_disk() {
  for (const Changelog& changelog : changelogs_) {
    if (changelog.table) changelog.table->hurry();
  }
}

Status StreamTask::disk_health() const {
  for (const Changelog& changelog : changelogs_) {
    if (!changelog.table) continue;
    if (Status health = changelog.table->health(); !health.ok()) return health;
  }
  return Status::success();
}

}  // namespace millrace::task
