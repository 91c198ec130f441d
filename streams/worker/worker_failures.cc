// The worker's half of failures: what a verdict means for a task, and the search for a culprit.
#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "millrace/error.h"
#include "worker/worker.h"

namespace millrace::worker {

namespace {
constexpr Duration kFirstRetry{100};
}

std::vector<CarefulMode::Taken> Worker::steps_taken() const {
  std::vector<CarefulMode::Taken> taken;
  for (const auto& [id, entry] : tasks_->entries()) {
    if (in_transaction(entry.state)) taken.push_back({id, entry.task->steps_taken()});
  }
  return taken;
}

std::map<TaskId, std::string> Worker::backing_off() const {
  std::map<TaskId, std::string> tasks;
  if (!tasks_) return tasks;
  for (const auto& [id, entry] : tasks_->entries()) {
    if (entry.pause && !entry.pause->retrying) tasks.emplace(id, entry.pause->why);
  }
  return tasks;
}

bool Worker::may_run_carefully(TaskId id, const TaskSet::Entry& entry) const {
  return !careful_.active() ||
         careful_.may_run(id, entry.task->steps_taken(), entry.task->replaying());
}

// What is replayed is committed as soon as it has run; what has run of it, where the worker is paused.
bool Worker::commit_carefully() {
  const auto& entries = tasks_->entries();
  const bool goes_on = std::any_of(entries.begin(), entries.end(), [&](const auto& task) {
    const auto& [id, entry] = task;
    return entry.state == TaskState::kRunning && entry.task->replaying() &&
           may_run_carefully(id, entry);
  });
  if (goes_on && (!paused_ || !anything_to_commit())) return false;
  last_commit_ = clock_.monotonic();
  kicked_ = false;
  if (!anything_to_commit()) {
    careful_.end();
    return true;
  }
  transaction_.commit_due();
  return true;
}

// Effect: does what the verdict says, but for the abort, which is the caller's. Returns true if the
// item is left out of the replay, false if its task does not go on for now.
bool Worker::judge(TaskId id, TaskSet::Entry& entry, task::Failure failure) {
  if (failure.left_out()) {
    if (careful_.searching()) careful_.left_out();
    return true;
  }
  careful_.forget(id);
  if (failure.action == ErrorAction::kRetry) {
    const int doublings = std::min(failure.attempt - 1, 20);
    tasks_->retry(id, entry, std::move(failure.text),
                  std::min(options_.errors.task_timeout, kFirstRetry * (1 << doublings)));
    return false;
  }
  UncaughtAction action = UncaughtAction::kBackOff;
  if (options_.errors.uncaught) {
    try {
      action = options_.errors.uncaught(StoppedError(failure.text));
    } catch (...) {
      failure.text += " (the uncaught handler failed, too)";
    }
  }
  if (action == UncaughtAction::kBackOff) {
    tasks_->back_off(id, entry, std::move(failure.text), tasks_->next_pause(entry));
  } else {
    entry.state = next_state(entry.state, TaskEvent::kFailed);
    entry.pause = {failure.text, Duration::max()};
    uncaught_action_ = action;
    transaction_.stop_after_abort(std::move(failure.text));
  }
  return false;
}

// A changed cell cannot be written to its changelog, and which step changed it nobody noted: a guarded
// replay meets it.
void Worker::find_culprit(TaskId id, TaskSet::Entry& entry, const task::Failure& failure) {
  if (!entry.task->guarded()) {
    entry.task->guard();
    transaction_.item_left_out();
    return;
  }
  judge(id, entry, failure);
  transaction_.task_failed();
}

void Worker::delivery_failed(const log::DeliveryFailed& failed, const Status& why) {
  if (failed.refusal == log::Refusal::kPassing || std::exchange(refusal_noted_, true)) return;
  const std::string& topic = failed.where.topic;
  if (failed.refusal == log::Refusal::kTopic || topic == options_.errors.dead_letter_topic) {
    suspend_writers(topic, why.message());
    return;
  }
  const auto culprit = careful_.failed(steps_taken());
  if (!culprit) {
    if (!careful_.searching()) suspend_writers(topic, why.message());
    return;
  }
  TaskSet::Entry& entry = tasks_->entries().at(*culprit);
  judge(*culprit, entry,
        entry.task->blame_only_step("topic " + topic,
                                    std::make_exception_ptr(TopicError(why.message()))));
}

// No record of this topic will be taken: whoever writes to it waits (ENGINE §4).
void Worker::suspend_writers(const std::string& topic, const std::string& why) {
  const bool dead_letters = topic == options_.errors.dead_letter_topic;
  for (auto& [id, entry] : tasks_->entries()) {
    if (entry.state != TaskState::kRunning) continue;
    const auto& subtopology = graph_.subtopologies()[static_cast<std::size_t>(id.subtopology)];
    const auto& sinks = subtopology.sink_topics;
    const auto& changelogs = entry.task->changelogs();
    const bool writes =
        (dead_letters && entry.task->leaves_out()) ||
        std::any_of(sinks.begin(), sinks.end(),
                    [&](const std::string& sink) {
                      return graph::full_topic_name(graph_, options_.application_id, sink) == topic;
                    }) ||
        std::any_of(changelogs.begin(), changelogs.end(),
                    [&](const auto& changelog) { return changelog.where.topic == topic; });
    if (!writes) continue;
    task::Failure failure;
    failure.text = "task " + to_string(id) + " cannot write: " + why +
                   ". Nothing of the transaction is visible; its records will be read again";
    judge(id, entry, std::move(failure));
  }
}

}  // namespace millrace::worker
