#include "millrace/detail/key_value_cells.h"

#include <vector>

#include "changelog_cell.h"
#include "millrace/detail/assert.h"
#include "overlay.h"

namespace millrace::state {

KeyValueCells::KeyValueCells(std::string name, StoreKind kind, const ValueType& type,
                             std::unique_ptr<ValueCodec> codec, DiskTable* disk)
    : name_(std::move(name)),
      kind_(kind),
      type_(type),
      codec_(std::move(codec)),
      table_(type, 0, footprint_),
      changes_(type, footprint_),
      overlay_(disk == nullptr ? nullptr : new Overlay(*disk, name_, type, *codec_, footprint_)) {
  MILLRACE_ASSERT(kind == StoreKind::kKeyValue || kind == StoreKind::kTimestampedKeyValue,
                  "a key-value store of another kind");
  MILLRACE_ASSERT(codec_ != nullptr, "a store without a codec");
}

KeyValueCells::~KeyValueCells() = default;

Cell* KeyValueCells::find_over_disk(BytesView key, std::uint64_t hash, Cell* cell) {
  return overlay_->shown(cell != nullptr ? cell : load(key, hash));
}

Cell& KeyValueCells::at_over_disk(BytesView key) {
  const std::uint64_t hash = hash_of(key);
  Cell* cell = table_.find(key, hash);
  if (cell == nullptr) cell = load(key, hash);
  return cell != nullptr ? overlay_->kept(*cell, changes_) : changes_.at(table_, key);
}

// The cell of a key that memory does not know, empty and for a while where the disk does not know it
// either; nullptr where the disk need not be asked.
Cell* KeyValueCells::load(BytesView key, std::uint64_t hash) {
  return all_in_memory() ? nullptr : &overlay_->load(table_, key, hash, key);
}

bool KeyValueCells::all_in_memory() {
  if (!all_in_memory_) {
    all_in_memory_ =
        !overlay_->disk().scan(std::nullopt, std::nullopt, ScanOrder::kForward)->valid();
  }
  return *all_in_memory_;
}

void KeyValueCells::prefetch(std::span<const BytesView> keys) {
  if (overlay_ != nullptr && !all_in_memory()) overlay_->prefetch({}, keys, table_);
}

void KeyValueCells::scan(OptionalBytesView from, OptionalBytesView to, ScanOrder order,
                         const std::function<bool(const Cell&)>& visit) {
  if (overlay_ != nullptr && !all_in_memory()) {
    return overlay_->scan({}, from, to, order, table_, visit);
  }
  table_.scan(from, to, order,
              [&](Cell& cell) { return !type_.has_value(cell.value()) || visit(cell); });
}

void KeyValueCells::write_some(ChangelogWriter& writer, std::size_t& budget) {
  const auto begin = [this] {
    if (overlay_ != nullptr) overlay_->begin(changes_);
  };
  const auto write = [&](const Cell& cell) {
    if (!changes_.is_change(cell)) return;
    const auto value = write_cell(cell, cell.key(), type_, *codec_, buffer_, writer);
    if (overlay_ != nullptr) overlay_->write(cell.key(), value, cell.timestamp);
  };
  changes_.for_some(begin, write, budget);
}

void KeyValueCells::commit(ChangelogRange written) {
  std::vector<Cell*> changed;
  if (forget_) changed = cells_with_value(changes_, type_);
  if (overlay_ != nullptr) {
    overlay_->commit(written, changes_);
  } else {
    changes_.commit();
  }
  reread_cells(changed, name_, *codec_, changes_);
}

void KeyValueCells::abort() {
  if (overlay_ != nullptr) {
    overlay_->abort(changes_);
  } else {
    changes_.abort();
  }
}

void KeyValueCells::check_changes(ChangelogWriter& writer) {
  changes_.for_each_since_savepoint(
      [&](const Cell& cell) { write_cell(cell, cell.key(), type_, *codec_, buffer_, writer); });
}

Offset KeyValueCells::restored_to() const {
  return overlay_ != nullptr ? overlay_->reached() : kNoOffset;
}

Status KeyValueCells::restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                              Offset offset) {
  MILLRACE_ASSERT(changes_.empty(), "a store is restored in the middle of a transaction");
  if (overlay_ != nullptr) {
    MILLRACE_ASSERT(table_.size() == 0, "a store that was used is restored");
    all_in_memory_ = false;
    overlay_->restore(key, value, timestamp, offset);
    return Status::success();
  }
  if (!value && find(key) == nullptr) return Status::success();
  const auto failure = restore_cell(at(key), value, timestamp, *codec_, changes_);
  return failure ? undecodable(name_, offset, *failure) : Status::success();
}

void KeyValueCells::finish_restore() {
  if (overlay_ != nullptr) overlay_->finish_restore();
}

bool KeyValueCells::restored() const { return overlay_ == nullptr || overlay_->restored(); }

std::size_t KeyValueCells::evict(std::size_t bytes) {
  if (overlay_ == nullptr) return 0;
  overlay_->sweep();
  std::size_t cells = kEvictionStep;
  std::size_t left = bytes;
  table_.evict(cells, left, [&](const Cell& cell) { return overlay_->may_go(cell); });
  if (left != bytes) all_in_memory_ = false;
  return bytes - left;
}

}  // namespace millrace::state
