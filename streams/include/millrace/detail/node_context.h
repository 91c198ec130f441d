// What a task gives its nodes: stores, task memory, a way out, counters.
#pragma once

#include <cstdint>
#include <string_view>

#include "millrace/detail/store.h"
#include "millrace/detail/task_memory.h"
#include "millrace/ids.h"
#include "millrace/record.h"

namespace millrace::graph {

class Node;
class ProcessorHost;

using NodeId = StrongInt<struct NodeIdTag, std::int32_t>;

// A sink's topic as its task knows it.
struct SinkTarget {
  std::int32_t index = -1;  // of the topic in the collector
  std::int32_t partitions = 0;
  bool keep_null_keys = false;  // an internal topic that a left or outer join reads (R-RP2)
};

// Takes the records that a task sends. Never waits: it appends to the worker's output buffer, which
// is handed to the log between steps (ENGINE §2).
class RecordCollector {
 public:
  virtual ~RecordCollector() = default;

  // Copies key, value and headers. REQUIRES: 0 <= partition < target.partitions, timestamp >= 0.
  virtual void send(SinkTarget target, Partition partition, OptionalBytesView key,
                    OptionalBytesView value, Timestamp timestamp, const Headers& headers) = 0;
};

// Why a record was not processed further. Counted per node and task, exactly: an abort takes back
// what it counted (SEMANTICS R-N, §6 Q11).
enum class DropReason {
  kNullKey,
  kNullValue,
  kLate,  // behind the window's grace
  kNegativeTimestamp,
  kNullKeyRepartition,  // cannot be partitioned by a null key; Kafka Streams drops these uncounted
  kDeserialization,     // a handler said to skip it: by what had failed
  kProcessing,
  kProduction,
  kDeadLetter,  // it is in the dead letter topic
};
inline constexpr int kDropReasons = 9;
std::string_view to_string(DropReason reason);

// A counter of one node. Cheap: an index into task memory. Nodes of one name share it.
class DropCounter {
 public:
  DropCounter() = default;
  DropCounter(state::TaskMemory& memory, state::MemorySlot slot) : memory_(&memory), slot_(slot) {}
  void count() { memory_->set(slot_, memory_->operator[](slot_) + 1); }

 private:
  state::TaskMemory* memory_ = nullptr;
  state::MemorySlot slot_;
};

class NodeContext {
 public:
  virtual ~NodeContext() = default;

  virtual TaskId task_id() const = 0;

  // The task's store of this name; nullptr where it was not made (a table that nobody needs kept).
  // Nodes know the concrete kind, because build() checked it.
  virtual state::Store* store(std::string_view name) = 0;

  virtual state::TaskMemory& memory() = 0;

  virtual RecordCollector& collector() = 0;

  // REQUIRES: the topic is a sink of this task's sub-topology.
  virtual SinkTarget sink(std::string_view topic) = 0;

  // The task's clone of another node of this sub-topology, for table look-ups.
  virtual Node& node(NodeId id) = 0;

  // What only processors ask for. REQUIRES: the task runs processors (a test's stand-in may not).
  virtual ProcessorHost& processor_host();

  // The counter of this node and reason. The names of drop counters in task memory start with "drop/".
  DropCounter drop_counter(const Node& node, DropReason reason);
  DropCounter drop_counter(std::string_view node, DropReason reason);
};

}  // namespace millrace::graph
