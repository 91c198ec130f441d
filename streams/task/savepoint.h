// Taking one step back alone, with all that it did: what it changed in the stores, in task memory and
// in the output buffer (ENGINE §4).
//
//   savepoint.set();          // a step begins
//   ...
//   savepoint.find_unwritable();          // would its changes go into the changelogs?
//   savepoint.release();  |  savepoint.roll_back();
//
// Each cell that a step changes costs a copy, and is serialized once more: so a task sets savepoints only
// while it has failures to fear.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "millrace/detail/store.h"
#include "millrace/detail/task_memory.h"
#include "task/output_buffer.h"

namespace millrace::task {

// Not thread-safe: belongs to one task, which outlives it, and so do its parts.
class Savepoint {
 public:
  Savepoint(state::TaskMemory& memory, OutputBuffer& output) : memory_(memory), output_(output) {}

  // Effect: this store is one of the task's. `changelog`: where its changes go; nullopt: nowhere.
  void add(state::Store& store, std::optional<graph::SinkTarget> changelog) {
    stores_.push_back({&store, changelog});
  }

  bool is_set() const { return output_end_.has_value(); }

  // REQUIRES: not set; nothing is handed over from the output buffer until its end.
  void set();

  // What cannot be serialized, or is larger than its changelog takes, of what was changed since.
  struct Unwritable {
    std::string store;
    std::exception_ptr error;
  };
  std::optional<Unwritable> find_unwritable();

  void release() noexcept;
  void roll_back() noexcept;

 private:
  struct StoreAndTarget {
    state::Store* store;
    std::optional<graph::SinkTarget> changelog;
  };

  state::TaskMemory& memory_;
  OutputBuffer& output_;
  std::vector<StoreAndTarget> stores_;
  std::optional<OutputBuffer::Mark> output_end_;
};

}  // namespace millrace::task
