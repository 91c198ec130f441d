#include "millrace/detail/undo.h"

#include "millrace/detail/assert.h"
#include "millrace/detail/cell_table.h"

namespace millrace::state {

namespace {
bool is_untold(const Undo& undo) { return undo.told % 2 == 0; }
}  // namespace

ChangeList::ChangeList(const ValueType& type, Footprint& footprint)
    : type_(type), footprint_(footprint), undos_(type, footprint), nested_(type, footprint) {}

ChangeList::~ChangeList() {
  const auto destroy = [&](Undo& undo) { type_.destroy(undo.value()); };
  nested_.for_each(destroy);
  undos_.for_each(destroy);
}

void* ChangeList::note_first(Cell& cell) {
  if (cell.undo == nullptr) {
    cell.undo = &undos_.take(cell, told_);
  } else if (cell.undo->told == told_ - 1 || (!has_savepoint_ && is_untold(*cell.undo))) {
    cell.undo->told = told_;
  } else if (!has_savepoint_) {
    return nullptr;
  } else {
    before_.push_back(cell.undo);
    try {
      cell.undo = &nested_.take(cell, told_);
    } catch (...) {
      before_.pop_back();
      throw;
    }
  }
  return cell.undo->value();
}

Cell& ChangeList::at(CellTable& table, BytesView key) {
  bool created = false;
  Cell& cell = table.find_or_insert(key, hash_of(key), created);
  if (!created) return cell;
  try {
    hold(cell);
  } catch (...) {
    table.erase(cell);
    throw;
  }
  return cell;
}

void ChangeList::hold(Cell& cell) {
  if (cell.undo == nullptr) cell.undo = &undos_.take(cell, told_ - 1);
}

bool ChangeList::is_change(const Cell& cell) const {
  return type_.has_value(cell.value()) || type_.has_value(cell.undo->value());
}

void ChangeList::commit(BatchNumber batch, std::vector<Cell*>* deleted) noexcept {
  MILLRACE_ASSERT(!has_savepoint_, "a step is committed before it is over");
  for_each([&](Cell& cell) {
    if (deleted != nullptr && is_change(cell)) cell.batch = batch;
    if (!type_.trivial) {
      footprint_.remove(type_.heap_size(cell.undo->value()));
      type_.destroy(cell.undo->value());
      footprint_.add(type_.heap_size(cell.value()));
    }
    cell.undo = nullptr;
    if (type_.has_value(cell.value()) || cell.listed) return;
    if (cell.batch == BatchNumber()) return cell.owner->erase(cell);
    cell.listed = 1;
    deleted->push_back(&cell);  // there is room: see the header
  });
  undos_.clear();
  nested_.clear();
  told_ = 1;
  begin_anew();
}

void ChangeList::abort() noexcept {
  if (has_savepoint_) roll_back();
  undo_from({});
  undos_.clear();
  nested_.clear();
  told_ = 1;
  begin_anew();
}

void ChangeList::set_savepoint() {
  MILLRACE_ASSERT(!has_savepoint_, "a savepoint within a savepoint");
  has_savepoint_ = true;
  savepoint_ = undos_.end();
  told_ += 2;
}

void ChangeList::release_savepoint() noexcept {
  has_savepoint_ = false;
  std::size_t i = 0;
  nested_.for_each([&](Undo& undo) {
    type_.destroy(undo.value());
    Undo* before = before_[i++];
    before->told |= 1;
    undo.cell->undo = before;
  });
  nested_.cut({});
  before_.clear();
}

void ChangeList::roll_back() noexcept {
  MILLRACE_ASSERT(has_savepoint_, "no savepoint to go back to");
  has_savepoint_ = false;
  std::size_t i = 0;
  nested_.for_each([&](Undo& undo) {
    nested_.put_back(undo);
    undo.cell->undo = before_[i++];
  });
  nested_.cut({});
  before_.clear();
  undo_from(savepoint_);
  undos_.cut(savepoint_);
}

void ChangeList::undo_from(UndoLog::Position from) noexcept {
  undos_.for_each(
      [&](Undo& undo) {
        Cell& cell = *undo.cell;
        undos_.put_back(undo);
        cell.undo = nullptr;
        // Between transactions no cell is empty but those that are listed: this one was made since.
        if (!type_.has_value(cell.value()) && !cell.listed) cell.owner->erase(cell);
      },
      from);
}

}  // namespace millrace::state
