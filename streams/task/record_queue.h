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

#include "millrace/detail/node_context.h"
#include "millrace/detail/source_node.h"
#include "millrace/detail/task_memory.h"
#include "task/record_arena.h"

namespace millrace::task {

// Not thread-safe: belongs to one task.
class RecordQueue {
 public:
  // `where`: the partition, with the topic's full name; `next`: the first offset that will come.
  RecordQueue(TopicPartition where, Offset next, state::TaskMemory& memory);

  const TopicPartition& where() const { return where_; }

  // Effect: the queue decodes into this slot from now on; the head is decoded anew. Called after
  // the task's graph was cloned.
  void attach(std::unique_ptr<graph::SourceSlot> slot, graph::DropCounter null_keys,
              graph::DropCounter null_values, graph::DropCounter negative_timestamps);
  void detach();  // before the graph goes

  // Effect: copies the record to the end.
  void add(const RecordView& record);

  std::size_t waiting() const { return records_.size() - cursor_; }
  std::size_t bytes() const { return arena_.bytes(); }

  // Effect: decodes until a record is at the head that can be processed; records that cannot be
  // (null where none may be, negative time by the extractor's word) are taken and counted.
  // Returns its timestamp, or nullopt if none waits.
  // Errors: what serde or extractor throw; failing() names the record, which stays.
  std::optional<Timestamp> head();

  // Effect: takes the head and runs it through the graph. REQUIRES: head() has a value.
  void process();

  // The record that head() or process() was busy with.
  const RecordContext& context() const { return context_; }

  // Transaction.
  bool has_progress() const { return cursor_ > 0; }
  std::size_t taken() const { return cursor_; }
  Offset next_offset() const;  // the first that is not taken
  std::int64_t partition_time() const { return memory_[time_slot_]; }
  void load_partition_time(std::int64_t time);
  void commit();
  void abort();

 private:
  const TopicPartition where_;
  state::TaskMemory& memory_;
  const state::MemorySlot time_slot_;
  std::deque<RecordView> records_;
  RecordArena arena_;
  std::size_t cursor_ = 0;
  Offset next_;  // behind the last record of the queue, or where reading began
  Offset committed_next_;
  std::unique_ptr<graph::SourceSlot> slot_;
  graph::DropCounter null_keys_;
  graph::DropCounter null_values_;
  graph::DropCounter negative_timestamps_;
  RecordContext context_;
  bool head_ready_ = false;
};

}  // namespace millrace::task
