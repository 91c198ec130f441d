// The records of one partition in a task: taken in the order of their offsets, kept until the
// transaction that took them is committed.
//
//        retained           waiting
//   [ r0 r1 r2 ... | r7 r8 r9 ... ]       commit(): the retained go.  abort(): the cursor goes
//   back.
//                  ^ cursor; r7 is the head, decoded once (SEMANTICS R-T4)
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/detail/node_context.h"
#include "millrace/detail/source_node.h"
#include "millrace/detail/task_memory.h"
#include "task/record_arena.h"

namespace millrace::task {

// Does what is to be done about records that are not processed.
class PassedBy {
 public:
  virtual ~PassedBy() = default;
  // A record that leave_out() was called for.
  virtual void left_out(const RecordView& record) = 0;
  // Dropped, because an extractor says that it has no time.
  virtual void time_dropped(const RecordView& record) = 0;
  // A null where none may be, and the source says that it is a dead letter.
  virtual void null_set_aside(const RecordView& record, std::string_view what) = 0;
};

// Not thread-safe: belongs to one task.
class RecordQueue {
 public:
  // `where`: the partition, with the topic's full name; `next`: the first offset that will come.
  // `passed_by` is told of records that are left out; without it there are none.
  RecordQueue(TopicPartition where, Offset next, state::TaskMemory& memory,
              PassedBy* passed_by = nullptr);

  const TopicPartition& where() const { return where_; }

  // Effect: the queue decodes into this slot from now on; the head is decoded anew. Called after
  // the task's graph was cloned.
  void attach(std::unique_ptr<graph::SourceSlot> slot, graph::DropCounter null_keys,
              graph::DropCounter null_values, graph::DropCounter negative_timestamps);
  void detach();  // before the graph goes

  // Effect: head() passes the record of this offset by, until it is committed.
  void leave_out(Offset offset);

  // Effect: copies the record to the end.
  void add(const RecordView& record);

  std::size_t waiting() const { return records_.size() - cursor_; }
  std::size_t bytes() const { return arena_.bytes(); }

  // Effect: decodes until a record is at the head that can be processed; records that cannot be
  // (null where none may be, negative time by the extractor's word, left out) are taken and counted.
  // Returns its timestamp, or nullopt if none waits.
  // Errors: what serde or extractor throw; failing() names the record, which stays.
  std::optional<Timestamp> head();

  // Effect: the head's time is this, if its source goes by the wall clock. REQUIRES: head() has a value.
  void stamp(Timestamp wall) {
    if (by_wall_clock_) context_.timestamp = wall;
  }

  // Effect: takes the head and runs it through the graph. REQUIRES: head() has a value.
  void process();

  // Effect: the record that process() took last waits again. REQUIRES: process() was called since the
  // last commit() or abort().
  void take_back() {
    --cursor_;
    head_ready_ = false;
  }

  // The record that head() or process() was busy with.
  const RecordContext& context() const { return context_; }
  // The record that head() was busy with, as it came. REQUIRES: head() has just thrown.
  const RecordView& busy_record() const { return records_[cursor_]; }
  // A record that was taken since the last commit, by the value of taken() before it was.
  const RecordView& retained(std::size_t at) const { return records_[at]; }

  // Transaction.
  bool has_progress() const { return cursor_ > 0; }
  std::size_t taken() const { return cursor_; }
  Offset next_offset() const;  // the first that is not taken
  std::int64_t partition_time() const { return memory_[time_slot_]; }
  void load_partition_time(std::int64_t time);
  void commit();
  void abort();

 private:
  bool is_left_out(Offset offset) const;

  const TopicPartition where_;
  state::TaskMemory& memory_;
  PassedBy* const passed_by_;
  const state::MemorySlot time_slot_;
  std::deque<RecordView> records_;
  RecordArena arena_;
  std::size_t cursor_ = 0;
  std::vector<Offset> left_out_;  // ascending
  Offset next_;                   // behind the last record of the queue, or where reading began
  Offset committed_next_;
  std::unique_ptr<graph::SourceSlot> slot_;
  graph::DropCounter null_keys_;
  graph::DropCounter null_values_;
  graph::DropCounter negative_timestamps_;
  RecordContext context_;
  bool head_ready_ = false;
  bool by_wall_clock_ = false;
};

}  // namespace millrace::task
