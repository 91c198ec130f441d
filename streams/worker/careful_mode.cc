#include "worker/careful_mode.h"

#include <algorithm>

namespace millrace::worker {

void CarefulMode::left_out() {
  end();
  replay_only_ = true;
}

std::optional<TaskId> CarefulMode::failed(const std::vector<Taken>& taken) {
  // A failure of somebody else's is searched for first; this one will be met again.
  const bool narrowed = std::any_of(taken.begin(), taken.end(), [this](const Taken& one) {
    return one.steps > 0 && suspects_.contains(one.task);
  });
  std::map<TaskId, std::size_t> suspects;
  std::size_t all = 0;
  for (const auto& [task, steps] : taken) {
    if (steps == 0 || (narrowed && !suspects_.contains(task))) continue;
    suspects[task] = steps;
    all += steps;
  }
  if (all == 1) {
    const TaskId culprit = suspects.begin()->first;
    left_out();
    return culprit;
  }
  suspects_ = std::move(suspects);
  replay_only_ = true;
  allow();
  return std::nullopt;
}

bool CarefulMode::may_run(TaskId task, std::size_t taken, bool replaying) const {
  if (!searching()) return !replay_only_ || replaying;
  const auto allowed = allowed_.find(task);
  return replaying && allowed != allowed_.end() && taken < allowed->second;
}

void CarefulMode::committed(const std::vector<Taken>& taken) {
  if (!searching()) {
    end();
    return;
  }
  for (const auto& [task, steps] : taken) {
    const auto suspect = suspects_.find(task);
    if (suspect == suspects_.end()) continue;
    suspect->second -= std::min(steps, suspect->second);
    if (suspect->second == 0) suspects_.erase(suspect);
  }
  if (!searching()) {  // it does not fail any more: what is left is replayed as usual
    end();
    return;
  }
  allow();
}

void CarefulMode::forget(TaskId task) {
  if (suspects_.erase(task) == 0) return;
  allowed_.erase(task);
  if (suspects_.empty()) {
    left_out();
  } else {
    allow();
  }
}

void CarefulMode::end() {
  replay_only_ = false;
  suspects_.clear();
  allowed_.clear();
}

// The first half of the suspects.
void CarefulMode::allow() {
  std::size_t all = 0;
  for (const auto& [task, steps] : suspects_) all += steps;
  std::size_t half = std::max<std::size_t>(all / 2, 1);
  allowed_.clear();
  for (const auto& [task, steps] : suspects_) {
    const std::size_t mine = std::min(steps, half);
    if (mine == 0) break;
    allowed_[task] = mine;
    half -= mine;
  }
}

}  // namespace millrace::worker
