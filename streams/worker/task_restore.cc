// From where a task's stores are restored, and when that is done (ENGINE §6).
#include <algorithm>
#include <utility>

#include "millrace/detail/text.h"
#include "worker/task_set.h"

namespace millrace::worker {

// Returns whether the task's stores hold what its committed offsets say.
bool TaskSet::restored(TaskId id, Entry& entry) {
  const auto& changelogs = entry.task->changelogs();
  if (changelogs.empty()) return true;
  if (!entry.restore_begun && !begin_restore(id, entry)) return false;
  if (disk_failed(id, entry)) return false;
  const bool read = std::none_of(changelogs.begin(), changelogs.end(),
                                 [&](const auto& c) { return restorer_.restoring(c.where); });
  if (!read) return false;
  // What was read is on its way to the disk; the stores are used when it is there.
  if (!std::exchange(entry.restore_read, true)) {
    for (const auto& changelog : changelogs) {
      changelog.cells->finish_restore();
      confirm(changelog, entry.bounds_as_of);
      if (changelog.table && !confirm_at_) confirm_at_ = next_confirmation();
    }
  }
  return std::all_of(changelogs.begin(), changelogs.end(),
                     [](const auto& c) { return c.cells->restored(); });
}

// Effect: hands the changelogs to the restorer once their ends are known and the disk is open. Returns
// whether that is done.
bool TaskSet::begin_restore(TaskId id, Entry& entry) {
  if (!entry.bounds_known) return false;
  switch (entry.task->open_stores()) {
    case state::TaskDisk::State::kOpening:
      return false;
    case state::TaskDisk::State::kFailed:
      back_off_anew(id, entry, entry.task->disk_failure(), next_pause(entry));
      return false;
    case state::TaskDisk::State::kOpen:
      break;
  }
  entry.restore_begun = true;
  for (std::size_t i = 0; i < entry.task->changelogs().size(); ++i) {
    if (auto failure = restore_from(entry, i)) {
      back_off_anew(id, entry, std::move(*failure), next_pause(entry));
      return false;
    }
  }
  return true;
}

// Effect: restores one store from behind what it has. Errors: what is gone that it would need.
std::optional<std::string> TaskSet::restore_from(const Entry& entry, std::size_t i) {
  const task::StreamTask::Changelog& changelog = entry.task->changelogs()[i];
  const auto [start, end] = entry.changelog_bounds[i];
  const Offset has = changelog.cells->restored_to();
  const std::string where = "changelog " + to_string(changelog.where);
  const auto number = [](Offset offset) { return std::to_string(offset.value()); };
  const std::string what_to_do =
      ". Nothing was touched. Find out who deleted them; to go on with what the topic has now, "
      "delete "
      "the task's directory";
  if (has == kNoOffset) {
    if (changelog.table && end > start) {
      parts_.logger.info("store " + changelog.store + " is not on disk yet: it is restored from " +
                         where + ", offsets " + number(start) + " to " + number(end) + " (" +
                         detail::human_count(end.value() - start.value()) + " at most)");
    }
    restorer_.add(changelog.where, start, end, *changelog.cells);
    return std::nullopt;
  }
  if (has >= end) {
    return where + " ends at offset " + number(end) + ", and store " + changelog.store +
           " on disk has its records up to " + number(has) +
           ": the topic was made anew, or its end was lost" + what_to_do;
  }
  // What a commit gave up before it was deleted belongs to windows that are gone.
  if (start > has + 1 && start > entry.task->purge_bound(changelog)) {
    return where + " begins at offset " + number(start) + ", and store " + changelog.store +
           " on disk has its records up to " + number(has) + ": those in between are gone" +
           what_to_do;
  }
  std::optional<Restorer::LastApplied> last;
  const Timestamp stamped = changelog.table ? changelog.table->offset_stamped() : kNoTimestamp;
  if (stamped != kNoTimestamp && has >= start) last = Restorer::LastApplied{has, stamped};
  restorer_.add(changelog.where, std::max(start, has + 1), end, *changelog.cells, last);
  return std::nullopt;
}

// Effect: the disk notes that at that time it had all of the changelog, once it has what was submitted.
void TaskSet::confirm(const task::StreamTask::Changelog& changelog, Timestamp as_of) {
  if (!changelog.table) return;
  state::CommitBatch note;
  note.complete_as_of(as_of);
  changelog.table->submit(std::move(note));
}

// A store is too old after half the time that deletions are kept: several confirmations may be missed.
std::optional<Duration> TaskSet::next_confirmation() const {
  constexpr Duration kLeast{1'000};
  Duration least = Duration::max();
  for (const auto& [topic, kept] : environment_.plan.deletions_kept) least = std::min(least, kept);
  if (least == Duration::max()) return std::nullopt;
  return parts_.clock.monotonic() + std::max(least / 8, kLeast);
}

// Effect: the disk of a store to whose changelog nobody wrote since it had all of it notes that this is
// still so. Without that a store that nobody changes for long would be restored for nothing.
void TaskSet::confirm_disks() {
  confirm_at_ = next_confirmation();
  std::vector<TopicPartition> changelogs;
  std::vector<std::pair<TaskId, std::int64_t>> tasks;
  for (const auto& [id, entry] : tasks_) {
    if (entry.state != TaskState::kRunning) continue;
    tasks.emplace_back(id, entry.incarnation);
    for (const auto& changelog : entry.task->changelogs()) changelogs.push_back(changelog.where);
  }
  if (changelogs.empty()) return;
  const Timestamp asked = parts_.clock.now();
  parts_.admin.list_offsets(
      log::OffsetKind::kEnd, changelogs, [=, this](const log::OffsetsListed& ends) {
        std::map<TopicPartition, Offset> end_of;
        for (const auto& listed : ends.offsets) end_of[listed.where] = listed.offset;
        for (const auto& [id, same] : tasks) {
          Entry* const entry = find(id, same);
          if (!entry || entry->state != TaskState::kRunning) continue;
          for (std::size_t i = 0; i < entry->task->changelogs().size(); ++i) {
            const task::StreamTask::Changelog& changelog = entry->task->changelogs()[i];
            // Behind the last record of a commit stands its marker.
            const Offset own = changelog.cells->restored_to();
            const Offset has = own == kNoOffset ? entry->changelog_bounds[i].end
                                                : std::max(entry->changelog_bounds[i].end, own + 2);
            if (end_of.at(changelog.where) <= has) confirm(changelog, asked);
          }
        }
      });
}

// Effect: a task whose disk takes nothing any more backs off, and opens it anew after that. Returns whether
// it does.
bool TaskSet::disk_failed(TaskId id, Entry& entry) {
  const Status health = entry.task->disk_health();
  if (health.consequence() != Consequence::kFatal) return false;
  back_off_anew(id, entry, health.message(), next_pause(entry));
  return true;
}

void TaskSet::check_disks() {
  for (auto& [id, entry] : tasks_) {
    if (entry.state == TaskState::kRunning) disk_failed(id, entry);
  }
}

}  // namespace millrace::worker
