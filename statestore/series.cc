#include "series.h"

#include <algorithm>

#include "millrace/detail/assert.h"

namespace millrace::state {

namespace {

std::size_t heap_bytes(const std::vector<Cell*>& entries) {
  return entries.capacity() * sizeof(Cell*);
}

}  // namespace

const ValueType& Series::type() {
  static const ValueType type = {
      sizeof(Series),
      alignof(Series),
      &typeid(Series),
      false,
      [](void* at) { new (at) Series(); },
      [](void*, void*) { MILLRACE_ASSERT(false, "the place of a series is moved"); },
      [](void* at) noexcept { static_cast<Series*>(at)->~Series(); },
      [](const void* at) noexcept { return !static_cast<const Series*>(at)->entries().empty(); },
      [](const void* at) { return heap_bytes(static_cast<const Series*>(at)->entries()); },
  };
  return type;
}

Series::~Series() {
  for (Cell* cell : entries_) {
    footprint_->remove(Cell::bytes(*type_, cell->key_size) + type_->heap_size(cell->value()));
    Cell::destroy(cell, *type_);
  }
}

void Series::settle(Cell& place, const ValueType& type, Footprint& footprint) {
  place_ = &place;
  type_ = &type;
  footprint_ = &footprint;
}

std::vector<Cell*>::const_iterator Series::lower_bound(BytesView suffix) const {
  return std::lower_bound(entries_.begin(), entries_.end(), suffix,
                          [](const Cell* cell, BytesView other) { return cell->key() < other; });
}

Cell* Series::find(BytesView suffix) const {
  const auto at = lower_bound(suffix);
  return at == entries_.end() || (*at)->key() != suffix ? nullptr : *at;
}

Cell& Series::insert(BytesView suffix) {
  const auto at = lower_bound(suffix) - entries_.begin();
  if (entries_.size() == entries_.capacity()) {
    const std::size_t before = heap_bytes(entries_);
    entries_.reserve(std::max<std::size_t>(2 * entries_.size(), 2));
    footprint_->add(heap_bytes(entries_) - before);
  }
  Cell* cell = Cell::create(*type_, *this, suffix, 0);
  entries_.insert(entries_.begin() + at, cell);  // there is room: does not throw
  footprint_->add(Cell::bytes(*type_, suffix.size()));
  return *cell;
}

void Series::erase(Cell& cell) noexcept {
  MILLRACE_ASSERT(cell.undo == nullptr && !cell.listed, "an entry in use is erased");
  entries_.erase(lower_bound(cell.key()));
  footprint_->remove(Cell::bytes(*type_, cell.key_size) + type_->heap_size(cell.value()));
  Cell::destroy(&cell, *type_);
  if (entries_.empty() && !place_->listed) place_->owner->erase(*place_);  // ends this, too
}

}  // namespace millrace::state
