// A task's schedules of punctuation: which one is due, and when each is called next (SEMANTICS R-P1,
// R-P2). To call one is a step like any other: the task takes it, notes it, repeats it (ENGINE §2).
//
// When a schedule made in init() is due next lies in task memory, so that an abort takes it back and
// init() of the new clones finds it: under "<node>:p<n>" for stream time, persisted, and "<node>:w<n>"
// for the wall clock, where n counts the node's schedules of that type; "<node>:pc<n>" and
// "<node>:wc<n>" say that it was cancelled. Schedules made elsewhere end with an abort.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "millrace/detail/node.h"
#include "millrace/detail/processor_host.h"
#include "millrace/detail/task_memory.h"

namespace millrace::task {

// Not thread-safe: belongs to one task.
class Punctuations {
 public:
  // What is due then, in ms, is never called; no time is later.
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  explicit Punctuations(state::TaskMemory& memory);

  // Effect: what is made between the two is made in init(). REQUIRES: empty.
  void begin_init() { in_init_ = true; }
  void end_init() { in_init_ = false; }

  // Effect: forgets all, before the nodes go.
  void clear();

  // As ProcessorHost::schedule() and cancel().
  graph::ScheduleId add(const graph::Node& node, Duration interval, PunctuationType type,
                        graph::Punctuator f, Timestamp stream_time, Timestamp wall);
  void cancel(graph::ScheduleId id);

  // The schedule to call now: those of stream time first, then by due time, then the first made.
  std::optional<graph::ScheduleId> due(Timestamp stream_time, Timestamp wall) const {
    if (to_ms(stream_time) < next_by_stream_time_ && to_ms(wall) < next_by_wall_clock_) {
      return std::nullopt;
    }
    return first_due(stream_time, wall);
  }

  // When the wall clock makes one due.
  std::optional<Timestamp> next_by_wall_clock() const;

  // Whether it is there and not cancelled.
  bool has(graph::ScheduleId id) const;

  // Effect: notes when it is called next, then calls it. REQUIRES: has(id).
  // Errors: what the punctuator throws, with its node's name (NodeError).
  void run(graph::ScheduleId id, Timestamp stream_time, Timestamp wall);

  // Effect: notes that it is called next as if it had been called now. REQUIRES: has(id).
  void pass_by(graph::ScheduleId id, Timestamp stream_time, Timestamp wall);

  // Whether it is to be called now. REQUIRES: has(id).
  bool is_due(graph::ScheduleId id, Timestamp stream_time, Timestamp wall) const;

  // The time that it is told.
  Timestamp time_of(graph::ScheduleId id, Timestamp stream_time, Timestamp wall) const;

  // "the punctuation by wall-clock time at 1700000000000 ms".
  std::string describe(graph::ScheduleId id, Timestamp stream_time, Timestamp wall) const;

 private:
  struct Schedule {
    const graph::Node* node;
    std::int64_t interval;
    PunctuationType type;
    graph::Punctuator f;
    std::int64_t due = 0;
    bool cancelled = false;
    std::optional<state::MemorySlot> due_slot = {};  // made in init()
    std::optional<state::MemorySlot> cancelled_slot = {};
  };

  void take_up(Schedule& schedule, Timestamp stream_time, Timestamp wall);
  std::optional<graph::ScheduleId> first_due(Timestamp stream_time, Timestamp wall) const;
  void find_next();

  state::TaskMemory& memory_;
  const state::MemorySlot made_later_;  // how many were made outside init(), so far
  bool in_init_ = false;
  std::map<graph::ScheduleId, Schedule> schedules_;  // in the order in which they were made
  std::map<std::string, int> made_in_init_;          // by "<node>:p", "<node>:w"
  std::optional<graph::ScheduleId> running_;
  std::int64_t next_by_stream_time_ = kNever;
  std::int64_t next_by_wall_clock_ = kNever;
};

}  // namespace millrace::task
