// Who may run how far after a failure, until what is replayed is committed (ENGINE §4).
//
// A failure without a culprit (a record that the broker refuses without saying which): the transaction
// is cut in half until one step is left. Once that is found, what is replayed is committed before
// anything new is taken.
//
//   suspects: the steps of the failed transaction, task by task, in the order of their step logs
//   [ a a a a | b b b b ]   half of them run and are committed: the others are left over
//   [ b b | b b ]           ... or fail again: the others are innocent for now
//   [ b ]                   fails alone: it is to blame
//
// Pure: it counts steps and knows no task.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "millrace/ids.h"

namespace millrace::worker {

// Not thread-safe: belongs to one worker.
class CarefulMode {
 public:
  bool active() const { return replay_only_ || searching(); }
  bool searching() const { return !suspects_.empty(); }

  struct Taken {
    TaskId task;
    std::size_t steps;  // in the open transaction
  };

  // Effect: an item was left out, or is to blame whatever comes of it: the search is over, and only
  // what was taken before runs until it is committed.
  void left_out();

  // Effect: the open transaction, with these steps, failed for an unknown one of them. Where a
  // search is under way, its suspects are now those of them that ran; nobody else runs until it is
  // over. Returns the task whose only step is to blame, if it is found.
  std::optional<TaskId> failed(const std::vector<Taken>& taken);

  // Whether the task may take another step in the open transaction.
  bool may_run(TaskId task, std::size_t taken, bool replaying) const;

  // Effect: the open transaction, with these steps, was committed.
  void committed(const std::vector<Taken>& taken);

  // Effect: the task is gone, or runs no more for now.
  void forget(TaskId task);

  // Effect: nothing is left to replay.
  void end();

 private:
  void allow();

  bool replay_only_ = false;
  std::map<TaskId, std::size_t> suspects_;  // steps, from the first to be replayed on
  std::map<TaskId, std::size_t> allowed_;   // of them in the open transaction
};

}  // namespace millrace::worker
