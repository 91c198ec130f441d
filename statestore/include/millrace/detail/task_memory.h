// Task memory: the few longs that a task remembers beside its stores (observed times of operators
// and stores, partition times, the transaction number). All of it goes back on abort; what is
// marked persisted travels in the offset commit and merges by maximum (ENGINE §5).
//
//   const auto observed = memory.add("hourly:t", Persisted::kYes);
//   memory.raise(observed, to_ms(context.timestamp));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/ids.h"

namespace millrace::state {

enum class Persisted { kNo, kYes };

using MemorySlot = StrongInt<struct MemorySlotTag, std::int32_t>;

// Not thread-safe: belongs to one task. Slots are added while the task's nodes and stores are set
// up, always in the same order, so that clones made after an abort find their slots again.
class TaskMemory {
 public:
  static constexpr std::int64_t kUnknown = -1;

  // Effect: the slot of this name; made with kUnknown if it is new. The same name gives the same
  // slot.
  MemorySlot add(std::string_view name, Persisted persisted);

  std::int64_t operator[](MemorySlot slot) const { return current_[index(slot)]; }
  void set(MemorySlot slot, std::int64_t value) { current_[index(slot)] = value; }
  // Effect: sets the slot to the greater of its value and this one; returns what it holds then.
  std::int64_t raise(MemorySlot slot, std::int64_t value) {
    std::int64_t& now = current_[index(slot)];
    if (value > now) now = value;
    return now;
  }

  // What the last commit() left in the slot: what an abort() goes back to.
  std::int64_t committed(MemorySlot slot) const { return committed_[index(slot)]; }

  // Effect: what is held now is what the next abort() goes back to.
  void commit() { committed_ = current_; }
  void abort() { current_ = committed_; }

  // Effect: what is held now is what the next roll_back() goes back to (ENGINE §4). One at a time.
  void set_savepoint() { saved_.assign(current_.begin(), current_.end()); }
  void roll_back();

  // The persisted slots that are known, in the order of their names: what a commit carries.
  struct Entry {
    std::string name;
    std::int64_t value;
  };
  std::vector<Entry> persisted() const;

  // The slots whose names begin with `prefix`, in the order in which they were added: for metrics.
  std::vector<Entry> entries(std::string_view prefix) const;
  // The same with what the last commit() left in them.
  std::vector<Entry> committed_entries(std::string_view prefix) const;

  // Effect: raises the slot of this name, committed value included. A name that nobody added yet is
  // kept for its add(); one that nobody ever adds is ignored.
  void load(std::string_view name, std::int64_t value);

 private:
  std::vector<Entry> entries(std::string_view prefix,
                             const std::vector<std::int64_t>& values) const;
  static std::size_t index(MemorySlot slot) { return static_cast<std::size_t>(slot.value()); }

  struct Slot {
    std::string name;
    Persisted persisted;
  };
  std::vector<Slot> slots_;
  std::vector<std::int64_t> current_;
  std::vector<std::int64_t> committed_;
  std::vector<std::int64_t> saved_;  // slots that were made later held what is committed
  std::vector<Entry> loaded_early_;
};

}  // namespace millrace::state
