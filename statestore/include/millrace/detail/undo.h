// What makes an abort exact: each cell's old value, noted once per transaction, and the list of the
// cells that changed (DESIGN §4, §5).
#pragma once

#include <cstddef>
#include <memory>

#include "millrace/detail/cell.h"

namespace millrace::state {

// The old content of one cell. Followed in memory by the std::optional<V>.
struct Undo {
  Timestamp timestamp;
  std::size_t value_offset;
  void* value() { return reinterpret_cast<std::byte*>(this) + value_offset; }
};

// The changes of one store in the open transaction. Not thread-safe.
class ChangeList {
 public:
  explicit ChangeList(const ValueType& type) : type_(type) {}
  ~ChangeList();
  ChangeList(const ChangeList&) = delete;
  ChangeList& operator=(const ChangeList&) = delete;

  // Effect: at the first change of this cell in the transaction moves its content into an Undo,
  // leaves the cell empty and returns the old value; later returns nullptr and leaves the cell alone.
  void* note(Cell& cell);

  bool empty() const { return first_ == nullptr; }
  Cell* first() const { return first_; }  // then Cell::next_dirty, in the order of their first change

  // Effect: forgets the old values; cells without a value leave their tables.
  void commit();

  // Effect: every cell holds again what it held; cells that were made since leave their tables.
  void abort();

 private:
  void release(Undo* undo);
  const ValueType& type_;
  Cell* first_ = nullptr;
  Cell* last_ = nullptr;
};

}  // namespace millrace::state
