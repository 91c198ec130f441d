// Series: the entries of one key in one segment, in the order of their suffixes. Private to statestore.
#pragma once

#include <vector>

#include "millrace/detail/cell_table.h"

namespace millrace::state {

// Lives as the value of a cell, its place, whose key is the user's; owns its entries, whose keys are
// what stands behind it. A place with entries lacks none: they were all read, or the disk has none.
class Series final : public CellOwner {
 public:
  // What cells hold that are places of series.
  static const ValueType& type();
  static Series& of(Cell& place) { return *static_cast<Series*>(place.value()); }
  static const Series& of(const Cell& place) { return *static_cast<const Series*>(place.value()); }

  Series() = default;
  ~Series();
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;

  // Effect: to be called once, first. All outlive it.
  void settle(Cell& place, const ValueType& type, Footprint& footprint);

  Cell& place() const { return *place_; }
  BytesView key() const { return place_->key(); }
  const std::vector<Cell*>& entries() const { return entries_; }

  Cell* find(BytesView suffix) const;
  // Effect: one more entry, empty. REQUIRES: there is none with this suffix.
  Cell& insert(BytesView suffix);
  // Effect: the entry goes, and the place with the last one, unless it is listed.
  void erase(Cell& cell) noexcept override;

 private:
  std::vector<Cell*>::const_iterator lower_bound(BytesView suffix) const;

  Cell* place_ = nullptr;
  const ValueType* type_ = nullptr;
  Footprint* footprint_ = nullptr;
  std::vector<Cell*> entries_;
};

}  // namespace millrace::state
