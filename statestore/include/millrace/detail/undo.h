// What makes an abort exact: each cell's old value, noted once per transaction, and the list of the
// cells that changed (DESIGN §4, §5).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "millrace/detail/cell.h"

namespace millrace::state {

struct Footprint;

// The old content of one cell. Followed in memory by the std::optional<V>.
struct Undo {
  Timestamp timestamp;
  std::uint32_t value_offset;
  bool untold = false;  // noted by at(); note() has still to tell of it
  void* value() { return reinterpret_cast<std::byte*>(this) + value_offset; }
};

// The changes of one store in the open transaction. Old values lie in slabs that are used again in
// the next one. Not thread-safe.
//
// A value type whose move throws inside abort() or note() ends the process or loses the value:
// moving must not fail.
class ChangeList {
 public:
  ChangeList(const ValueType& type, Footprint& footprint);
  ~ChangeList();
  ChangeList(const ChangeList&) = delete;
  ChangeList& operator=(const ChangeList&) = delete;

  // Effect: at the first change of this cell in the transaction moves its content into an Undo,
  // leaves the cell empty and returns the old value, a std::optional<V> to read and not to change;
  // later returns nullptr and leaves the cell alone.
  void* note(Cell& cell);

  // Effect: the cell of this key in this table, made empty if there is none. One that was made is on
  // the list at once, so that it goes with an abort even if the caller fails before it notes it.
  Cell& at(CellTable& table, BytesView key);

  bool empty() const { return first_ == nullptr; }
  // Then Cell::next_dirty, in the order of their first change.
  Cell* first() const { return first_; }

  // True iff the cell differs from what the changelog holds: not made and deleted since the last
  // commit. REQUIRES: it is on the list.
  bool is_change(const Cell& cell) const;

  // Effect: forgets the old values; cells without a value leave their tables.
  void commit() noexcept;

  // Effect: every cell holds again what it held; cells that were made since leave their tables.
  void abort() noexcept;

 private:
  struct Slab {
    std::byte* memory;
    std::size_t capacity;  // in Undos
  };

  Undo* allocate();
  void recycle() noexcept;
  void drop_last_slab() noexcept;

  const ValueType& type_;
  Footprint& footprint_;
  const std::size_t value_offset_;
  const std::size_t alignment_;
  const std::size_t stride_;
  Cell* first_ = nullptr;
  Cell* last_ = nullptr;
  std::vector<Slab> slabs_;
  std::size_t slab_ = 0;  // the one in use
  std::size_t used_ = 0;  // Undos taken from it
  int idle_ = 0;          // transactions since the last slab was needed
};

}  // namespace millrace::state
