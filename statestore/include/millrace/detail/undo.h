// What makes an abort exact: each cell's old value, noted once per transaction, and the list of the
// cells that changed (DESIGN §4, §5). Between set_savepoint() and its end the same is noted once more,
// so that what one step did can be undone alone (ENGINE §4).
//
//   at(k), note(c)        the first change in the transaction: the old value goes into undos_
//   set_savepoint()
//   note(c)               the first change since: what it held goes into nested_
//   roll_back()           back to the savepoint      release_savepoint()   what was done since stays
//   commit() | abort()
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "millrace/detail/cell.h"
#include "millrace/detail/undo_log.h"

namespace millrace::state {

class CellTable;

// The changes of one store in the open transaction, in the order of first change. Not thread-safe.
//
// Moving a value must not fail: where it throws inside abort() or roll_back(), the process ends.
class ChangeList {
 public:
  ChangeList(const ValueType& type, Footprint& footprint);
  ~ChangeList();
  ChangeList(const ChangeList&) = delete;
  ChangeList& operator=(const ChangeList&) = delete;

  // Effect: at the first change of this cell in the transaction, or since the savepoint, moves its
  // content into an Undo, leaves the cell empty and returns the old value, a std::optional<V> to read
  // and not to change; later returns nullptr and leaves the cell alone.
  void* note(Cell& cell) {
    if (cell.undo != nullptr && cell.undo->told == told_) return nullptr;
    return note_first(cell);
  }

  // Effect: the cell of this key in this table, made empty if there is none. One that was made is
  // on the list at once, so that it goes with an abort even if the caller fails before it notes it.
  Cell& at(CellTable& table, BytesView key);

  // Effect: an empty cell that is there already is noted as if at() had made it.
  void hold(Cell& cell);

  bool empty() const { return undos_.empty(); }
  std::size_t size() const { return undos_.size(); }

  // Effect: visits every changed cell in the order of its first change.
  // REQUIRES: `visit` notes nothing; no savepoint is set.
  template <class Visit>
  void for_each(const Visit& visit) const {
    undos_.for_each([&](Undo& undo) { visit(*undo.cell); });
  }

  // The same in slices: visits the next cells, at most `budget` of them, and takes them off it. If some
  // of it is left all were visited, and the next call begins anew, as it does behind commit() and
  // abort(). `begin` is called before the first cell. REQUIRES: nothing is noted between two slices.
  template <class Begin, class Visit>
  void for_some(const Begin& begin, const Visit& visit, std::size_t& budget) {
    if (!visiting_) begin();
    visiting_ = true;
    undos_.for_some([&](Undo& undo) { visit(*undo.cell); }, visited_, budget);
    if (budget > 0) begin_anew();
  }

  // True iff the cell differs from what the changelog holds: not made and deleted since the last
  // commit. REQUIRES: it is one of the changed cells; no savepoint is set.
  bool is_change(const Cell& cell) const;

  // Effect: forgets the old values; cells without a value leave their tables, but those that are
  // listed. With a disk below (`deleted`), what changed belongs to this batch from now on, and a
  // cell that was deleted stays, listed and appended to `deleted`, because the disk still has it.
  // REQUIRES: room in `deleted` for every changed cell without a value; no savepoint is set.
  void commit(BatchNumber batch = {}, std::vector<Cell*>* deleted = nullptr) noexcept;

  // Effect: every cell holds again what it held; cells that were made since leave their tables, but
  // those that are listed.
  void abort() noexcept;

  // --- the savepoint ----------------------------------------------------------------------------

  // REQUIRES: none is set.
  void set_savepoint();
  // Effect: what was done since stays, and is undone by an abort only.
  void release_savepoint() noexcept;
  // Effect: every cell holds again what it held at the savepoint; cells that were made since leave
  // their tables, but those that are listed.
  void roll_back() noexcept;

  // Effect: visits every cell that was changed since the savepoint. REQUIRES: one is set; `visit`
  // notes nothing.
  template <class Visit>
  void for_each_since_savepoint(const Visit& visit) const {
    nested_.for_each([&](Undo& undo) { visit(*undo.cell); });
    undos_.for_each([&](Undo& undo) { visit(*undo.cell); }, savepoint_);
  }

 private:
  void* note_first(Cell& cell);
  void begin_anew() {
    visiting_ = false;
    visited_ = {};
  }
  void undo_from(UndoLog::Position from) noexcept;

  const ValueType& type_;
  Footprint& footprint_;
  UndoLog undos_;
  UndoLog nested_;             // of cells that undos_ has from before the savepoint
  std::vector<Undo*> before_;  // by number in nested_: what undos_ has of the cell
  bool has_savepoint_ = false;
  UndoLog::Position savepoint_;  // the end of undos_ then
  // What an Undo says that the caller was told of since the last savepoint, or the transaction's begin:
  // an odd number, another one after each savepoint. With one less at() made it, and nobody was told.
  std::uint32_t told_ = 1;
  bool visiting_ = false;      // in slices
  UndoLog::Position visited_;  // so far
};

}  // namespace millrace::state
