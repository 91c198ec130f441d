// The steps of the open transaction: which queue each record was taken from, in order, run-length
// coded. After an abort they are taken again in the same order before anything new, so that an
// abort changes nothing (ENGINE §2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace millrace::task {

// Not thread-safe: belongs to one task.
class StepLog {
 public:
  // The queue that the next step must take from; nullopt: no replay is under way, the task chooses.
  std::optional<std::size_t> next() const {
    if (to_replay_.empty()) return std::nullopt;
    return to_replay_.front().queue;
  }

  // Effect: notes that a record of this queue was taken. REQUIRES: next() is this queue or nullopt.
  void taken(std::size_t queue) {
    append(taken_, queue, 1);
    if (to_replay_.empty()) return;
    if (--to_replay_.front().count == 0) to_replay_.pop_front();
  }

  // Effect: the task chooses from now on.
  void stop_replay() { to_replay_.clear(); }

  // Effect: what was taken is committed; what is still to be replayed stays so.
  void commit() { taken_.clear(); }

  // Effect: all steps of the transaction are to be taken again, those first that were taken.
  void abort() {
    for (const Run& run : std::exchange(to_replay_, {})) append(taken_, run.queue, run.count);
    to_replay_ = std::exchange(taken_, {});
  }

 private:
  struct Run {
    std::size_t queue;
    std::uint64_t count;
  };
  static void append(std::deque<Run>& runs, std::size_t queue, std::uint64_t count) {
    if (runs.empty() || runs.back().queue != queue) runs.push_back({queue, 0});
    runs.back().count += count;
  }

  std::deque<Run> taken_;
  std::deque<Run> to_replay_;
};

}  // namespace millrace::task
