#include "millrace/detail/node_context.h"

#include <string>

#include "millrace/detail/assert.h"
#include "millrace/detail/node.h"

namespace millrace::graph {

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::kNullKey:
      return "null_key";
    case DropReason::kNullValue:
      return "null_value";
    case DropReason::kLate:
      return "late";
    case DropReason::kNegativeTimestamp:
      return "negative_timestamp";
    case DropReason::kNullKeyRepartition:
      return "null_key_repartition";
    case DropReason::kDeserialization:
      return "deserialization";
    case DropReason::kProcessing:
      return "processing";
    case DropReason::kProduction:
      return "production";
    case DropReason::kDeadLetter:
      return "dead_letter";
  }
  MILLRACE_ASSERT(false, "a reason to drop a record has no name");
}

ProcessorHost& NodeContext::processor_host() {
  MILLRACE_ASSERT(false, "a stand-in for a task is given a processor");
}

DropCounter NodeContext::drop_counter(const Node& node, DropReason reason) {
  return drop_counter(node.name(), reason);
}

DropCounter NodeContext::drop_counter(std::string_view node, DropReason reason) {
  std::string name = "drop/";
  name.append(node).append(1, '/').append(to_string(reason));
  state::TaskMemory& longs = memory();
  const state::MemorySlot slot = longs.add(name, state::Persisted::kNo);
  // A new slot is unknown; a count begins at zero. After an abort it goes on from what was
  // committed.
  longs.raise(slot, 0);
  return DropCounter(longs, slot);
}

}  // namespace millrace::graph
