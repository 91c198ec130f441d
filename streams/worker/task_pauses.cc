// Tasks that back off: one that failed pauses and is named, the others go on (ENGINE §4).
#include <algorithm>
#include <utility>

#include "worker/task_set.h"

namespace millrace::worker {

namespace {
constexpr Duration kFirstPause{1'000};

std::string seconds(Duration d) {
  return std::to_string(d.count() / 1000) + '.' + std::to_string(d.count() % 1000 / 100) + " s";
}

}  // namespace

Duration TaskSet::next_pause(const Entry& entry) const {
  const int doublings = std::min(entry.failures, 20);
  return std::min(options_.task_timeout, kFirstPause * (1 << doublings));
}

void TaskSet::back_off(TaskId id, Entry& entry, std::string why, Duration pause) {
  parts_.logger.error("task " + to_string(id) + " backs off for " + seconds(pause) + ": " + why);
  ++entry.failures;
  entry.state = next_state(entry.state, TaskEvent::kFailed);
  entry.pause = {std::move(why), parts_.clock.monotonic() + pause};
}

void TaskSet::retry(TaskId id, Entry& entry, std::string why, Duration pause) {
  parts_.logger.warning("task " + to_string(id) + " tries again in " + seconds(pause) + ": " + why);
  entry.state = next_state(entry.state, TaskEvent::kFailed);
  entry.pause = {std::move(why), parts_.clock.monotonic() + pause, false, true};
}

void TaskSet::back_off_anew(TaskId id, Entry& entry, std::string why, Duration pause) {
  back_off(id, entry, std::move(why), pause);
  entry.pause->anew = true;
  for (const log::ReaderPartition partition : entry.readers) reader_->stop(partition);
  entry.readers.clear();
  for (const auto& changelog : entry.task->changelogs()) restorer_.cancel(changelog.where);
}

// Whether a task that was to go on where it was would only meet its broken disk again. What it has in a
// transaction is undone first.
bool TaskSet::must_reopen(const Entry& entry) const {
  return !entry.task->has_progress() &&
         entry.task->disk_health().consequence() == Consequence::kFatal;
}

bool TaskSet::resume() {
  const Duration now = parts_.clock.monotonic();
  if (confirm_at_ && now >= *confirm_at_) confirm_disks();
  bool moved = false;
  std::vector<std::pair<TopicPartition, int>> anew;
  for (auto& [id, entry] : tasks_) {
    if (entry.state != TaskState::kBackingOff || now < entry.pause->until) continue;
    moved = true;
    if (entry.pause->anew || must_reopen(entry)) {
      anew.emplace_back(entry.anchor, entry.failures);
      close(entry, TaskEvent::kLost);
    } else {
      entry.state = next_state(entry.state, TaskEvent::kResumed);
    }
    entry.pause.reset();
  }
  if (anew.empty()) return moved;
  forget_closed();
  for (const auto& [anchor, failures] : anew) {
    assigned({anchor});
    for (auto& [id, entry] : tasks_) {
      if (entry.anchor == anchor) entry.failures = failures;
    }
  }
  return true;
}

std::optional<Duration> TaskSet::next_resume() const {
  std::optional<Duration> next = confirm_at_;
  for (const auto& [id, entry] : tasks_) {
    if (entry.state != TaskState::kBackingOff) continue;
    if (!next || entry.pause->until < *next) next = entry.pause->until;
  }
  return next;
}

// State that cannot be read back concerns the task alone; no handler is asked.
void TaskSet::take_restore_failures() {
  for (Restorer::Failure& failure : restorer_.take_failures()) {
    for (auto& [id, entry] : tasks_) {
      const auto& changelogs = entry.task->changelogs();
      const bool mine = std::any_of(changelogs.begin(), changelogs.end(),
                                    [&](const auto& c) { return c.where == failure.where; });
      if (mine && entry.state == TaskState::kRestoring) {
        back_off_anew(id, entry, std::move(failure.why), next_pause(entry));
      }
    }
  }
}

}  // namespace millrace::worker
