#include "overlay.h"

#include <algorithm>
#include <new>
#include <utility>

#include "changelog_cell.h"
#include "millrace/detail/assert.h"
#include "millrace/error.h"

namespace millrace::state {

namespace {

// Absent keys that are remembered before they are forgotten all at once: so many, or twice what the
// open transaction uses of them and keeps, so that a key costs the same in a long one.
constexpr std::size_t kAbsentMax = 4096;

// REQUIRES: inside a catch clause.
bool out_of_memory() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    return false;
  }
}

// A restore's batches: big enough for the disk's own batches, small enough for the memory budget.
constexpr std::size_t kRestoreBatchBytes = 8 << 20;

}  // namespace

Overlay::Overlay(DiskTable& disk, const std::string& store, const ValueType& type,
                 ValueCodec& codec, Footprint& footprint)
    : disk_(disk),
      store_(store),
      type_(type),
      codec_(codec),
      footprint_(footprint),
      applied_(disk.applied()),
      reached_(disk.offset()) {}

Cell& Overlay::load(CellTable& table, BytesView key, std::uint64_t hash, BytesView disk_key) {
  bool created = false;
  Cell& cell = table.find_or_insert(key, hash, created);
  try {
    Timestamp timestamp = kNoTimestamp;
    if (disk_.get(disk_key, value_, timestamp)) {
      fill(value_, timestamp, cell);
    } else {
      list_absent(cell);
    }
  } catch (...) {
    table.erase(cell);
    throw;
  }
  return cell;
}

void Overlay::prefetch(BytesView prefix, std::span<const BytesView> keys, CellTable& table) {
  std::vector<BytesView> missing;
  std::vector<Bytes> disk_keys;
  for (const BytesView key : keys) {
    if (table.find(key, hash_of(key)) != nullptr) continue;
    missing.push_back(key);
    disk_keys.push_back(Bytes(prefix).append(key));
  }
  if (missing.empty()) return;
  const std::vector<BytesView> asked(disk_keys.begin(), disk_keys.end());
  std::vector<DiskTable::Found> found;
  disk_.multi_get(asked, found);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    bool created = false;
    Cell& cell = table.find_or_insert(missing[i], hash_of(missing[i]), created);
    if (!created) continue;  // named twice
    try {
      if (found[i].there) {
        fill(found[i].value, found[i].timestamp, cell);
      } else {
        list_absent(cell);
      }
    } catch (...) {
      table.erase(cell);
      throw;
    }
  }
}

// Effect: as decode(); a value that is null is none.
void Overlay::fill(BytesView value, Timestamp timestamp, Cell& cell) {
  decode(value, timestamp, cell);
  if (!type_.has_value(cell.value())) list_absent(cell);
}

void Overlay::list_absent(Cell& cell) {
  if (absent_.size() >= sweep_from_) sweep();
  absent_.push_back(&cell);
  cell.listed = 1;
}

void Overlay::decode(BytesView value, Timestamp timestamp, Cell& cell) {
  MILLRACE_ASSERT(!type_.has_value(cell.value()), "a cell that is in use is read from the disk");
  try {
    codec_.deserialize(value, cell.value());
  } catch (...) {
    type_.destroy(cell.value());
    type_.construct_empty(cell.value());
    if (out_of_memory()) throw;  // says nothing about the bytes
    throw StateError("millrace: store '" + store_ + "': what its disk holds of a key, from its " +
                     "changelog up to offset " + std::to_string(reached_.value()) +
                     ", cannot be decoded: " + reason_of_current_exception() +
                     ". Nothing was changed: run a program that reads what was written, or remove "
                     "the store's directory so that it is restored");
  }
  cell.timestamp = timestamp;
  cell.used = 1;
  footprint_.add(type_.heap_size(cell.value()));
}

void Overlay::Destroy::operator()(Cell* cell) const {
  footprint->remove(type->heap_size(cell->value()));
  Cell::destroy(cell, *type);
}

std::unique_ptr<Cell, Overlay::Destroy> Overlay::read(CellOwner& owner, BytesView key,
                                                      BytesView value, Timestamp timestamp) {
  std::unique_ptr<Cell, Destroy> cell(Cell::create(type_, owner, key, 0),
                                      Destroy{&type_, &footprint_});
  decode(value, timestamp, *cell);
  return cell;
}

void Overlay::scan(BytesView prefix, OptionalBytesView from, OptionalBytesView to, ScanOrder order,
                   CellTable& table, const std::function<bool(const Cell&)>& visit) {
  Bytes disk_from(prefix);
  if (from) disk_from.append(*from);
  const std::optional<Bytes> disk_to = to ? Bytes(prefix).append(*to) : least_above(prefix);
  const auto below =
      disk_.scan(BytesView(disk_from), disk_to ? OptionalBytesView(*disk_to) : std::nullopt, order);
  const auto behind_prefix = [&] { return below->key().substr(prefix.size()); };
  bool more = true;
  const auto visit_disk = [&] {
    const auto cell = read(table, behind_prefix(), below->value(), below->timestamp());
    below->next();
    if (type_.has_value(cell->value())) more = visit(*cell);
  };
  // A cell in memory hides what the disk has of it, be it empty or not.
  table.scan(from, to, order, [&](Cell& cell) {
    const auto before_cell = [&] {
      return order == ScanOrder::kForward ? behind_prefix() < cell.key()
                                          : behind_prefix() > cell.key();
    };
    while (more && below->valid() && before_cell()) visit_disk();
    if (!more) return false;
    if (below->valid() && behind_prefix() == cell.key()) below->next();
    if (type_.has_value(cell.value())) more = visit(cell);
    return more;
  });
  while (more && below->valid()) visit_disk();
}

void Overlay::sweep() {
  applied_ = disk_.applied();
  // True: the cell is off its list.
  const auto settle = [&](Cell* cell) {
    if (cell->undo != nullptr) return false;
    const bool filled = type_.has_value(cell->value());
    if (!filled && cell->batch > applied_) return false;
    cell->listed = 0;
    if (!filled) cell->owner->erase(*cell);
    return true;
  };
  std::erase_if(absent_, settle);
  sweep_from_ = std::max(kAbsentMax, 2 * absent_.size());
  // In the order of batches: what stands behind one that must wait waits, too.
  while (deleted_from_ < deleted_.size() && settle(deleted_[deleted_from_])) ++deleted_from_;
  if (deleted_from_ > deleted_.size() / 2) {
    deleted_.erase(deleted_.begin(), deleted_.begin() + static_cast<std::ptrdiff_t>(deleted_from_));
    deleted_from_ = 0;
  }
}

void Overlay::forget(const std::function<bool(const Cell&)>& gone) {
  const auto leaves = [&](Cell* cell) {
    if (!gone(*cell)) return false;
    cell->listed = 0;
    return true;
  };
  std::erase_if(absent_, leaves);
  const auto first = deleted_.begin() + static_cast<std::ptrdiff_t>(deleted_from_);
  deleted_.erase(std::remove_if(first, deleted_.end(), leaves), deleted_.end());
}

void Overlay::begin(const ChangeList& changes) {
  batch_ = CommitBatch();
  // Read before the commit: whatever another owner writes comes later.
  batch_.complete_as_of(disk_.now());
  stamped_ = kNoTimestamp;
  const std::size_t needed = deleted_.size() + changes.size();
  if (deleted_.capacity() < needed) deleted_.reserve(std::max(needed, 2 * deleted_.capacity()));
  begun_ = true;
}

void Overlay::write(BytesView disk_key, OptionalBytesView value, Timestamp timestamp) {
  if (value) {
    batch_.put(disk_key, *value, timestamp);
  } else {
    batch_.erase(disk_key);
  }
  stamped_ = std::max(timestamp, Timestamp{});  // as the changelog's record carries it
}

void Overlay::submit() { last_ = disk_.submit(std::exchange(batch_, CommitBatch())); }

void Overlay::commit(ChangelogRange written, ChangeList& changes) {
  MILLRACE_ASSERT(begun_ || changes.empty(), "changes are committed that were not written out");
  begun_ = false;
  if (written.last != kNoOffset) {
    batch_.covers(written.last, stamped_);
    reached_ = written.last;
  }
  if (!batch_.empty()) submit();
  changes.commit(last_, &deleted_);
  sweep();
}

void Overlay::abort(ChangeList& changes) {
  begun_ = false;
  batch_ = CommitBatch();
  changes.abort();
}

void Overlay::restore(std::optional<BytesView> disk_key, OptionalBytesView value,
                      Timestamp timestamp, Offset offset) {
  if (disk_key) write(*disk_key, value, timestamp);
  batch_.covers(offset, timestamp);
  reached_ = offset;
  if (batch_.bytes() >= kRestoreBatchBytes) submit();
}

void Overlay::finish_restore() {
  if (!batch_.empty()) submit();
  disk_.hurry();
}

}  // namespace millrace::state
