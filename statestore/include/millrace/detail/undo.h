// What makes an abort exact: each cell's old value, noted once per transaction, and the list of the
// cells that changed (DESIGN §4, §5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "millrace/detail/cell.h"

namespace millrace::state {

class CellTable;
struct Footprint;

// The old content of one cell. Followed in memory by the std::optional<V>.
struct Undo {
  Cell* cell;
  Timestamp timestamp;
  std::uint32_t value_offset;
  bool untold = false;  // noted by at(); note() has still to tell of it
  void* value() { return reinterpret_cast<std::byte*>(this) + value_offset; }
};

// The changes of one store in the open transaction: old values in the order of first change, one
// behind the other in slabs that are used again in the next transaction. Not thread-safe.
//
// Moving a value must not fail: where it throws inside abort(), the process ends.
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

  // Effect: the cell of this key in this table, made empty if there is none. One that was made is
  // on the list at once, so that it goes with an abort even if the caller fails before it notes it.
  Cell& at(CellTable& table, BytesView key);

  // Effect: an empty cell that is there already is noted as if at() had made it.
  void hold(Cell& cell);

  bool empty() const { return slab_ == 0 && used_ == 0; }
  std::size_t size() const;

  // Effect: visits every changed cell in the order of its first change.
  // REQUIRES: `visit` notes nothing.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t slab = 0; slab < slabs_.size() && slab <= slab_; ++slab) {
      const std::size_t count = slab < slab_ ? slabs_[slab].capacity : used_;
      for (std::size_t i = 0; i < count; ++i) {
        // Cells lie anywhere in memory: the one that comes soon is fetched now.
        if (i + kPrefetch < count) __builtin_prefetch(undo_in(slab, i + kPrefetch)->cell);
        visit(*undo_in(slab, i)->cell);
      }
    }
  }

  // True iff the cell differs from what the changelog holds: not made and deleted since the last
  // commit. REQUIRES: it is one of the changed cells.
  bool is_change(const Cell& cell) const;

  // Effect: forgets the old values; cells without a value leave their tables, but those that are
  // listed. With a disk below (`deleted`), what changed belongs to this batch from now on, and a
  // cell that was deleted stays, listed and appended to `deleted`, because the disk still has it.
  // REQUIRES: room in `deleted` for every changed cell without a value.
  void commit(BatchNumber batch = {}, std::vector<Cell*>* deleted = nullptr) noexcept;

  // Effect: every cell holds again what it held; cells that were made since leave their tables, but
  // those that are listed.
  void abort() noexcept;

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
  void recycle() noexcept;
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
