// Overlay: what a store does with the disk below it. A miss in memory asks the disk once; what a
// commit changed becomes one batch; what is empty stays in memory as long as the disk does not know.
// A restore goes past memory into batches. Private to statestore.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "millrace/detail/cell_table.h"
#include "millrace/detail/disk_table.h"
#include "millrace/detail/store.h"
#include "millrace/detail/undo.h"

namespace millrace::state {

// Cells that one call of evict() looks at: some 0.1 ms.
inline constexpr std::size_t kEvictionStep = 4096;

// Part of a store with a disk. Not thread-safe.
class Overlay {
 public:
  // All outlive it.
  Overlay(DiskTable& disk, const std::string& store, const ValueType& type, ValueCodec& codec,
          Footprint& footprint);

  DiskTable& disk() { return disk_; }

  // --- misses -----------------------------------------------------------------------------------

  // The cell of a key that the table does not have, made with what the disk has of it. Where that is
  // nothing the cell is listed: it says so for a while and goes, unless it is used.
  // Errors: StateError where the disk fails or its bytes cannot be decoded; the table is as before.
  Cell& load(CellTable& table, BytesView key, std::uint64_t hash, BytesView disk_key);

  // What a read is shown: the cell, or nullptr where it only says that the disk has nothing.
  Cell* shown(Cell* cell) const {
    if (cell == nullptr || (cell->undo == nullptr && !type_.has_value(cell->value()))) {
      return nullptr;
    }
    cell->used = 1;
    return cell;
  }

  // Effect: a cell that is to be changed stays until the transaction is over, also if it is listed.
  Cell& kept(Cell& cell, ChangeList& changes) const {
    cell.used = 1;
    if (cell.listed && !type_.has_value(cell.value())) changes.hold(cell);
    return cell;
  }

  // Effect: of these keys, what the disk has behind `prefix` and the table has not is loaded.
  void prefetch(BytesView prefix, std::span<const BytesView> keys, CellTable& table);

  // Effect: the cell holds these bytes, as read from the disk. Errors: StateError.
  void decode(BytesView value, Timestamp timestamp, Cell& cell);

  // A cell of its own that holds these bytes: for what a scan shows. Errors: StateError.
  struct Destroy {
    const ValueType* type;
    Footprint* footprint;
    void operator()(Cell* cell) const;
  };
  std::unique_ptr<Cell, Destroy> read(CellOwner& owner, BytesView key, BytesView value,
                                      Timestamp timestamp);

  // Effect: visits cells with a value and from <= key < to, those of this table and those that the
  // disk has behind `prefix`, in this order. REQUIRES: `visit` neither inserts nor erases.
  // Lifetime of a cell: the call. Errors: StateError.
  void scan(BytesView prefix, OptionalBytesView from, OptionalBytesView to, ScanOrder order,
            CellTable& table, const std::function<bool(const Cell&)>& visit);

  // Whether eviction may take the cell: the disk has what it holds.
  bool may_go(const Cell& cell) const {
    return cell.undo == nullptr && !cell.listed && cell.batch <= applied_;
  }

  // Effect: empty cells that the disk knows nothing of any more go.
  void sweep();
  // Effect: cells that `gone` is true of are not listed any more: their table ends.
  void forget(const std::function<bool(const Cell&)>& gone);

  // --- a transaction ----------------------------------------------------------------------------

  // Effect: a batch begins; `changes` are what commit() will be about. An earlier one that was not
  // submitted is forgotten.
  void begin(const ChangeList& changes);
  // Effect: a changed cell as the changelog got it.
  void write(BytesView disk_key, OptionalBytesView value, Timestamp timestamp);
  // The batch as it is now, for facts and ranges.
  CommitBatch& batch() { return batch_; }
  // Effect: submits the batch, and commits the changes. REQUIRES: begin() was called for them.
  void commit(ChangelogRange written, ChangeList& changes);
  // Effect: undoes the changes, forgets the batch.
  void abort(ChangeList& changes);

  // --- restore and the end ----------------------------------------------------------------------

  // Effect: a changelog record is on its way to the disk. nullopt key: it changes nothing there.
  void restore(std::optional<BytesView> disk_key, OptionalBytesView value, Timestamp timestamp,
               Offset offset);
  // Effect: what is on its way gets there as soon as can be.
  void finish_restore();
  bool restored() const { return disk_.applied() >= last_; }
  // The last changelog offset that the disk holds or will hold.
  Offset reached() const { return reached_; }

 private:
  void submit();
  void fill(BytesView value, Timestamp timestamp, Cell& cell);
  void list_absent(Cell& cell);

  DiskTable& disk_;
  const std::string& store_;
  const ValueType& type_;
  ValueCodec& codec_;
  Footprint& footprint_;
  BatchNumber applied_;  // as of the last look
  BatchNumber last_;     // submitted
  Offset reached_;
  CommitBatch batch_;
  Timestamp stamped_ = kNoTimestamp;  // of the last changelog record in the batch
  bool begun_ = false;
  std::vector<Cell*> absent_;     // empty cells that the disk has nothing of, for a while
  std::size_t sweep_from_ = 0;    // so many of them are swept before one more is listed
  std::vector<Cell*> deleted_;    // empty cells whose batch is on its way, in its order
  std::size_t deleted_from_ = 0;  // the first of those that are left
  Bytes value_;
};

}  // namespace millrace::state
