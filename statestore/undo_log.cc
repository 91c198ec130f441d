#include "millrace/detail/undo_log.h"

#include <algorithm>
#include <cstring>

#include "millrace/detail/cell_table.h"

namespace millrace::state {

namespace {

// Slabs double from a page up to what still fits a second-level cache.
constexpr std::size_t kSlabBytesMin = 4 << 10;
constexpr std::size_t kSlabBytesMax = 256 << 10;

// Slabs that so many transactions in a row did without are given back.
constexpr int kIdleTransactions = 64;

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

}  // namespace

UndoLog::UndoLog(const ValueType& type, Footprint& footprint)
    : type_(type),
      footprint_(footprint),
      value_offset_(round_up(sizeof(Undo), type.alignment)),
      alignment_(std::max(alignof(Undo), type.alignment)),
      stride_(round_up(value_offset_ + type.size, alignment_)) {}

UndoLog::~UndoLog() {
  while (!slabs_.empty()) drop_last_slab();
}

Undo& UndoLog::take(Cell& cell, std::uint32_t told) {
  Undo* undo = new (make_room()) Undo{
      .cell = &cell,
      .timestamp = cell.timestamp,
      .value_offset = static_cast<std::uint32_t>(value_offset_),
      .told = told,
  };
  if (type_.trivial) {
    std::memcpy(undo->value(), cell.value(), type_.size);
    type_.construct_empty(cell.value());
  } else {
    type_.move_construct(undo->value(), cell.value());
  }
  ++used_;  // from here on it is there
  return *undo;
}

void UndoLog::put_back(Undo& undo) const {
  Cell& cell = *undo.cell;
  type_.destroy(cell.value());
  type_.move_construct(cell.value(), undo.value());
  type_.destroy(undo.value());
  cell.timestamp = undo.timestamp;
}

std::size_t UndoLog::size() const {
  std::size_t size = used_;
  for (std::size_t slab = 0; slab < slab_; ++slab) size += slabs_[slab].capacity;
  return size;
}

// Memory for one more Undo, which counts only once used_ does.
void* UndoLog::make_room() {
  if (slab_ < slabs_.size() && used_ == slabs_[slab_].capacity) {
    ++slab_;
    used_ = 0;
  }
  if (slab_ == slabs_.size()) {
    const std::size_t bytes = kSlabBytesMin << std::min<std::size_t>(slab_, 16);
    const std::size_t capacity = std::max<std::size_t>(std::min(bytes, kSlabBytesMax) / stride_, 1);
    slabs_.reserve(slab_ + 1);
    void* memory = ::operator new(capacity* stride_, std::align_val_t(alignment_));
    slabs_.push_back({static_cast<std::byte*>(memory), capacity});
    footprint_.add(capacity * stride_);
  }
  return slabs_[slab_].memory + used_ * stride_;
}

void UndoLog::clear() noexcept {
  needed_ = std::max(needed_, slab_ + 1);
  if (++transactions_ == kIdleTransactions) {
    while (slabs_.size() > needed_) drop_last_slab();
    needed_ = 0;
    transactions_ = 0;
  }
  cut({});
}

void UndoLog::drop_last_slab() noexcept {
  const Slab slab = slabs_.back();
  slabs_.pop_back();
  footprint_.remove(slab.capacity * stride_);
  ::operator delete(slab.memory, slab.capacity* stride_, std::align_val_t(alignment_));
}

}  // namespace millrace::state
