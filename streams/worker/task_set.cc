#include "worker/task_set.h"

#include <algorithm>
#include <utility>

#include "millrace/detail/assert.h"

namespace millrace::worker {

TaskSet::TaskSet(const task::TaskEnvironment& environment, Parts parts, TaskSetOptions options)
    : environment_(environment),
      parts_(parts),
      options_(std::move(options)),
      reader_(parts.log.make_reader({log::Isolation::kReadCommitted}, parts.inbox)),
      restorer_(parts.log, parts.inbox, parts.clock, options_.on_restore) {}

TaskSet::~TaskSet() = default;

void TaskSet::assigned(const std::vector<TopicPartition>& anchors) {
  std::vector<TaskId> made;
  for (const TopicPartition& anchor : anchors) {
    const auto& plans = environment_.plan.subtopologies;
    const auto plan = std::find_if(plans.begin(), plans.end(),
                                   [&](const auto& p) { return p.anchor_topic == anchor.topic; });
    MILLRACE_ASSERT(plan != plans.end(), "assigned a partition of a topic that is no anchor");
    const TaskId id{static_cast<std::int32_t>(plan - plans.begin()), anchor.partition};
    if (tasks_.contains(id)) {
      assigned_early_.push_back(anchor);
      continue;
    }
    Entry entry;
    entry.task = std::make_unique<task::StreamTask>(id, environment_);
    entry.incarnation = ++incarnations_;
    entry.anchor = anchor;
    tasks_.emplace(id, std::move(entry));
    made.push_back(id);
  }
  if (!made.empty()) open(std::move(made));
}

// Where to go on: the committed offsets first, then the changelogs' ends. The other way round, a
// transaction of the last owner could end in between and the store would miss it (KAFKA_CLIENT
// §3.1).
void TaskSet::open(std::vector<TaskId> ids) {
  std::vector<TopicPartition> partitions;
  for (const TaskId id : ids) {
    const auto& sources = tasks_.at(id).task->sources();
    partitions.insert(partitions.end(), sources.begin(), sources.end());
  }
  // A task that goes away meanwhile takes no answers; one made anew under its id asks for itself.
  std::vector<std::int64_t> same;
  for (const TaskId id : ids) same.push_back(tasks_.at(id).incarnation);

  parts_.admin.committed_offsets(
      options_.group, partitions, [=, this](const log::OffsetsCommitted& committed) {
        std::vector<TaskId> still;
        for (std::size_t i = 0; i < ids.size(); ++i) {
          if (find(ids[i], same[i])) still.push_back(ids[i]);
        }
        std::vector<TopicPartition> unknown;
        for (const log::CommittedOffset& offset : committed.offsets) {
          if (offset.offset == kNoOffset) unknown.push_back(offset.where);
        }
        if (unknown.empty()) {
          load(still, committed, {});
          return;
        }
        if (options_.offset_reset == OffsetReset::kNone) {
          fail("group " + options_.group + " has no committed offset for " +
               to_string(unknown.front()) +
               ", and auto.offset.reset is none. Nothing was read; commit an offset, or say "
               "earliest or latest");
          return;
        }
        const auto kind = options_.offset_reset == OffsetReset::kEarliest ? log::OffsetKind::kStart
                                                                          : log::OffsetKind::kEnd;
        parts_.admin.list_offsets(kind, unknown, [=, this](const log::OffsetsListed& listed) {
          std::vector<TaskId> present;
          for (const TaskId id : still) {
            const auto at = std::find(ids.begin(), ids.end(), id) - ids.begin();
            if (find(id, same[static_cast<std::size_t>(at)])) present.push_back(id);
          }
          load(present, committed, listed);
        });
      });
}

void TaskSet::load(const std::vector<TaskId>& ids, const log::OffsetsCommitted& committed,
                   const log::OffsetsListed& reset) {
  const auto offset_of = [](const auto& offsets, const TopicPartition& where) {
    return std::find_if(offsets.begin(), offsets.end(),
                        [&](const auto& o) { return o.where == where; });
  };
  for (const TaskId id : ids) {
    Entry& entry = tasks_.at(id);
    for (std::size_t i = 0; i < entry.task->sources().size(); ++i) {
      const TopicPartition& where = entry.task->sources()[i];
      const auto found = offset_of(committed.offsets, where);
      Offset next = found->offset;
      if (next == kNoOffset) next = offset_of(reset.offsets, where)->offset;
      if (next == kNoOffset) {
        fail("there is no partition " + to_string(where) +
             " any more. Nothing was lost; create it again");
        return;
      }
      entry.task->load(i, next, task::decode_commit_metadata(found->metadata));
    }
    entry.state = next_state(entry.state, TaskEvent::kOffsetsKnown);
  }
  restore(ids);
}

void TaskSet::restore(const std::vector<TaskId>& ids) {
  std::vector<TopicPartition> changelogs;
  std::vector<std::pair<TaskId, std::int64_t>> tasks;
  for (const TaskId id : ids) {
    const task::StreamTask& task = *tasks_.at(id).task;
    tasks.emplace_back(id, tasks_.at(id).incarnation);
    for (const auto& changelog : task.changelogs()) changelogs.push_back(changelog.where);
  }
  if (changelogs.empty()) {
    start_restored();
    return;
  }
  parts_.admin.list_offsets(
      log::OffsetKind::kStart, changelogs, [=, this](const log::OffsetsListed& starts) {
        const Timestamp asked = parts_.clock.now();
        parts_.admin.list_offsets(
            log::OffsetKind::kEnd, changelogs, [=, this](const log::OffsetsListed& ends) {
              for (const auto& [id, same] : tasks) {
                Entry* entry = find(id, same);
                if (!entry) continue;
                for (const auto& changelog : entry->task->changelogs()) {
                  const auto at = std::find(changelogs.begin(), changelogs.end(), changelog.where) -
                                  changelogs.begin();
                  const auto i = static_cast<std::size_t>(at);
                  entry->changelog_bounds.push_back(
                      {starts.offsets[i].offset, ends.offsets[i].offset});
                }
                entry->bounds_as_of = asked;
                entry->bounds_known = true;
              }
              start_restored();
            });
      });
}

bool TaskSet::start_restored() {
  bool started = false;
  for (auto& [id, entry] : tasks_) {
    if (entry.state != TaskState::kRestoring || !restored(id, entry)) continue;
    try {
      entry.task->start(parts_.clock.now());
    } catch (const std::exception& e) {
      back_off_anew(id, entry, "it cannot start: " + task::exception_text(e), next_pause(entry));
      continue;
    }
    start_reading(entry);
    entry.state = next_state(entry.state, TaskEvent::kRestored);
    parts_.logger.info("task " + to_string(id) + " runs");
    started = true;
  }
  return started;
}

void TaskSet::start_reading(Entry& entry) {
  for (std::size_t i = 0; i < entry.task->sources().size(); ++i) {
    entry.readers.push_back(reader_->start(entry.task->sources()[i], entry.task->next_offset(i)));
  }
  entry.caught_up.assign(entry.readers.size(), false);
}

bool TaskSet::feed() {
  bool moved = fetching_ && restorer_.pump(options_.buffered_records_per_partition);
  take_restore_failures();
  if (opening()) moved = start_restored() || moved;
  for (auto& [id, entry] : tasks_) {
    if (entry.state == TaskState::kRunning) moved = feed(entry) || moved;
  }
  return moved;
}

bool TaskSet::feed(Entry& entry) {
  bool moved = false;
  const std::size_t limit = options_.buffered_records_per_partition;
  for (std::size_t i = 0; i < entry.readers.size(); ++i) {
    const std::size_t waiting = entry.task->waiting(i);
    if (fetching_ && waiting <= limit / 2) {
      reader_->drain(entry.readers[i], limit - waiting, batch_);
      for (const RecordView& record : batch_) entry.task->add(i, record);
      moved = moved || !batch_.empty();
    }
    const bool caught_up = reader_->caught_up(entry.readers[i]);
    moved = moved || caught_up != entry.caught_up[i];
    entry.caught_up[i] = caught_up;
  }
  batch_.clear();
  return moved;
}

bool TaskSet::handle(const log::Event& event) {
  if (restorer_.handle(event)) return true;
  if (event.epoch != reader_->epoch()) return false;
  const auto source_of = [&](log::ReaderPartition partition) -> std::string {
    for (const auto& [id, entry] : tasks_) {
      for (std::size_t i = 0; i < entry.readers.size(); ++i) {
        if (entry.readers[i] == partition) return to_string(entry.task->sources()[i]);
      }
    }
    return {};
  };
  if (const auto* range = std::get_if<log::OffsetOutOfRange>(&event.what)) {
    const std::string where = source_of(range->partition);
    if (!where.empty()) {
      fail("input " + where + ": offset " + std::to_string(range->requested.value()) +
           " is not in the log any more: records were deleted before they were read. Nothing was "
           "skipped and all "
           "state is kept; reset the group's offset to say where to go on");
    }
  } else if (const auto* failed = std::get_if<log::ReadFailed>(&event.what)) {
    const std::string where = source_of(failed->partition);
    if (!where.empty()) fail("input " + where + " cannot be read: " + event.status.message());
  }
  return true;
}

void TaskSet::revoked(const std::vector<TopicPartition>& anchors) {
  std::erase_if(assigned_early_, [&](const TopicPartition& anchor) {
    return std::find(anchors.begin(), anchors.end(), anchor) != anchors.end();
  });
  for (auto& [id, entry] : tasks_) {
    if (std::find(anchors.begin(), anchors.end(), entry.anchor) == anchors.end()) continue;
    close(entry, TaskEvent::kRevoked);
  }
  forget_closed();
}

void TaskSet::lost() {
  assigned_early_.clear();
  for (auto& [id, entry] : tasks_) close(entry, TaskEvent::kRevoked);
  forget_closed();
}

bool TaskSet::any_closing() const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const auto& task) { return task.second.state == TaskState::kClosing; });
}

void TaskSet::close_revoked() {
  for (auto& [id, entry] : tasks_) {
    if (entry.state == TaskState::kClosing) close(entry, TaskEvent::kReleased);
  }
  forget_closed();
}

void TaskSet::close_all() {
  assigned_early_.clear();
  for (auto& [id, entry] : tasks_) close(entry, TaskEvent::kLost);
  forget_closed();
}

// A task that is asked back stops reading at once and keeps what the transaction at hand needs.
void TaskSet::close(Entry& entry, TaskEvent why) {
  entry.state = next_state(entry.state, why);
  for (const log::ReaderPartition partition : entry.readers) reader_->stop(partition);
  entry.readers.clear();
  for (const auto& changelog : entry.task->changelogs()) restorer_.cancel(changelog.where);
}

void TaskSet::forget_closed() {
  for (const auto& [id, entry] : tasks_) {
    if (entry.state != TaskState::kClosed) continue;
    for (const auto& [what, count] : entry.task->dropped()) dropped_in_doubt_[what] += count;
    for (const auto& [what, count] : entry.task->dropped_and_committed()) {
      dropped_before_[what] += count;
      dropped_in_doubt_[what] -= count;
    }
  }
  std::erase_if(tasks_, [](const auto& task) { return task.second.state == TaskState::kClosed; });
  if (!assigned_early_.empty()) assigned(std::exchange(assigned_early_, {}));
}

TaskSet::DropCounts TaskSet::dropped() const {
  DropCounts dropped = dropped_before_;
  for (const auto& [id, entry] : tasks_) {
    for (const auto& [what, count] : entry.task->dropped()) dropped[what] += count;
  }
  return dropped;
}

void TaskSet::transaction_ended(bool committed) {
  for (const auto& [what, count] : std::exchange(dropped_in_doubt_, {})) {
    if (committed) dropped_before_[what] += count;
  }
}

TaskSet::Entry* TaskSet::find(TaskId id, std::int64_t incarnation) {
  const auto found = tasks_.find(id);
  return found != tasks_.end() && found->second.incarnation == incarnation ? &found->second
                                                                           : nullptr;
}

bool TaskSet::opening() const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const auto& task) { return is_opening(task.second.state); });
}

const std::optional<std::string>& TaskSet::failure() const { return failure_; }

void TaskSet::fail(std::string why) {
  if (!failure_) failure_ = std::move(why);
}

}  // namespace millrace::worker
