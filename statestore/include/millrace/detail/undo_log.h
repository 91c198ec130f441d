// Where the old values of cells lie: one behind the other in slabs, which are used again and again
// (DESIGN §4, §5). What they are for, ChangeList knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "millrace/detail/cell.h"

namespace millrace::state {

struct Footprint;

// The old content of one cell. Followed in memory by the std::optional<V>.
struct Undo {
  Cell* cell;
  Timestamp timestamp;
  std::uint32_t value_offset;
  std::uint32_t told;  // who knows of it: see ChangeList
  void* value() { return reinterpret_cast<std::byte*>(this) + value_offset; }
};

// Not thread-safe.
class UndoLog {
 public:
  UndoLog(const ValueType& type, Footprint& footprint);
  // REQUIRES: empty, or the values were destroyed.
  ~UndoLog();
  UndoLog(const UndoLog&) = delete;
  UndoLog& operator=(const UndoLog&) = delete;

  // Effect: the cell's content lies in the new last Undo, and the cell is empty. Errors: no memory;
  // nothing has changed.
  Undo& take(Cell& cell, std::uint32_t told);

  // Effect: the cell holds again what it held; the value in the Undo is destroyed.
  void put_back(Undo& undo) const;

  struct Position {
    std::size_t slab = 0;
    std::size_t used = 0;
  };
  // Behind the last.
  Position end() const { return {slab_, used_}; }
  bool empty() const { return slab_ == 0 && used_ == 0; }
  std::size_t size() const;

  // Effect: visits them in order, from this position on. REQUIRES: `visit` takes nothing.
  template <class Visit>
  void for_each(const Visit& visit, Position from = {}) const {
    std::size_t all = static_cast<std::size_t>(-1);
    for_some(visit, from, all);
  }
  // The same for at most `budget` of them; moves both on behind the last one that was visited. What is
  // left of the budget says that there are no more.
  template <class Visit>
  void for_some(const Visit& visit, Position& at, std::size_t& budget) const {
    for (; at.slab < slabs_.size() && at.slab <= slab_; at = {at.slab + 1, 0}) {
      const std::size_t count = at.slab < slab_ ? slabs_[at.slab].capacity : used_;
      for (; at.used < count; ++at.used, --budget) {
        if (budget == 0) return;
        // Cells lie anywhere in memory: the one that comes soon is fetched now.
        if (at.used + kPrefetch < count)
          __builtin_prefetch(undo_in(at.slab, at.used + kPrefetch)->cell);
        visit(*undo_in(at.slab, at.used));
      }
    }
  }

  // Effect: those from this position on are gone. REQUIRES: their values were destroyed.
  void cut(Position from) {
    slab_ = from.slab;
    used_ = from.used;
  }
  // The same for all of them, at the end of a transaction: slabs that are not needed of late go.
  void clear() noexcept;

 private:
  struct Slab {
    std::byte* memory;
    std::size_t capacity;  // in Undos
  };

  static constexpr std::size_t kPrefetch = 8;

  Undo* undo_in(std::size_t slab, std::size_t i) const {
    return std::launder(reinterpret_cast<Undo*>(slabs_[slab].memory + i * stride_));
  }
  void* make_room();
  void drop_last_slab() noexcept;

  const ValueType& type_;
  Footprint& footprint_;
  const std::size_t value_offset_;
  const std::size_t alignment_;
  const std::size_t stride_;
  std::vector<Slab> slabs_;
  std::size_t slab_ = 0;    // the one in use; those before it are full
  std::size_t used_ = 0;    // Undos in it
  std::size_t needed_ = 0;  // slabs, at most, of late
  int transactions_ = 0;    // that needed_ tells of
};

}  // namespace millrace::state
