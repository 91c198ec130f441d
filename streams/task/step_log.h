// The steps of the open transaction, in order, run-length coded: which queue each record was taken
// from, which schedule was called, and what the wall clock said. After an abort they are taken again
// in the same order, and are told the same time, before anything new: so an abort changes nothing
// (ENGINE §2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "millrace/time.h"

namespace millrace::task {

// One thing that a task did: it took a record, or called a punctuator.
struct WorkItem {
  enum class Kind { kRecord, kPunctuation };
  Kind kind = Kind::kRecord;
  std::int64_t of = 0;  // the queue; the schedule
  Timestamp wall{};     // the wall clock's reading
  // A punctuation that is left out has a number: its schedule goes on, nothing is called (ENGINE §4).
  // Records that are left out are no steps: their queue passes them by.
  std::int64_t left_out = 0;

  static WorkItem record(std::size_t queue, Timestamp wall) {
    return {Kind::kRecord, static_cast<std::int64_t>(queue), wall, 0};
  }
  static WorkItem punctuation(std::int64_t schedule, Timestamp wall) {
    return {Kind::kPunctuation, schedule, wall, 0};
  }
  std::size_t queue() const { return static_cast<std::size_t>(of); }  // REQUIRES: kRecord

  friend bool operator==(const WorkItem&, const WorkItem&) = default;
};

// Not thread-safe: belongs to one task.
class StepLog {
 public:
  // The step that must be taken next; nullopt: no replay is under way, the task chooses.
  std::optional<WorkItem> next() const {
    if (to_replay_.empty()) return std::nullopt;
    return to_replay_.front().item;
  }

  // Effect: notes that this step was taken. One that next() does not name comes between: in a replay
  // that lacks what was left out, a punctuation may come due at another record.
  void taken(const WorkItem& item) {
    append(taken_, item, 1);
    ++taken_count_;
    if (next() == item) skip_next();
  }

  // Effect: the step that must be taken next cannot be, and is left out. REQUIRES: next().
  void skip_next() {
    if (--to_replay_.front().count == 0) to_replay_.pop_front();
  }

  // How many steps the open transaction took.
  std::size_t taken() const { return taken_count_; }

  // Effect: the last step is not repeated in a replay. REQUIRES: taken() > 0.
  void forget_last() {
    --taken_count_;
    if (--taken_.back().count == 0) taken_.pop_back();
  }
  // Effect: a replay passes the last step by. REQUIRES: it is a punctuation.
  void leave_out_last(std::int64_t number) {
    WorkItem item = taken_.back().item;
    forget_last();
    item.left_out = number;
    append(taken_, item, 1);
    ++taken_count_;
  }

  // Effect: the task chooses from now on.
  void stop_replay() { to_replay_.clear(); }

  // Whether a step was taken since the last commit or abort.
  bool any_taken() const { return !taken_.empty(); }

  // Effect: what was taken is committed; what is still to be replayed stays so.
  void commit() {
    taken_.clear();
    taken_count_ = 0;
  }

  // Effect: all steps of the transaction are to be taken again, those first that were taken.
  void abort() {
    for (const Run& run : std::exchange(to_replay_, {})) append(taken_, run.item, run.count);
    to_replay_ = std::exchange(taken_, {});
    taken_count_ = 0;
  }

 private:
  struct Run {
    WorkItem item;
    std::uint64_t count;
  };
  static void append(std::deque<Run>& runs, const WorkItem& item, std::uint64_t count) {
    if (runs.empty() || runs.back().item != item) runs.push_back({item, 0});
    runs.back().count += count;
  }

  std::size_t taken_count_ = 0;
  std::deque<Run> taken_;
  std::deque<Run> to_replay_;
};

}  // namespace millrace::task
