// AggregateEntry: how an aggregate changes one cell of a store, so that an abort finds what was
// there before, and nothing is copied that need not be.
#pragma once

#include <algorithm>
#include <new>
#include <optional>

#include "millrace/detail/cell.h"
#include "millrace/dsl/detail/change.h"
#include "millrace/time.h"

namespace millrace::detail {

// Part of a node.
template <class A>
class AggregateEntry {
 public:
  // From now on changes tell what was there before.
  void want_old_values() { old_values_ = true; }

  // Effect: the cell's aggregate becomes what step(std::optional<A>&) makes of it. `timestamp`, the
  // record's, becomes the result's: the later of itself and that of the aggregate that was there
  // (SEMANTICS R-W3, R-KT7). A brand-new key has no old value (§6 Q5). Cells: KeyValueCells or
  // WindowCells, whose cell it is.
  // Lifetime of the result: until the next change of this store.
  template <class Cells, class Step>
  Change<A> update(Cells& cells, state::Cell& cell, Timestamp& timestamp, Step&& step) {
    const Timestamp record_time = timestamp;
    const Timestamp held_time = cell.timestamp;
    // The first change in a transaction moves the old value out, for an abort: go on with a copy.
    auto* noted = static_cast<std::optional<A>*>(cells.change(cell));
    std::optional<A>& held = cell.as<A>();
    const std::optional<A>* before = noted;
    if (noted != nullptr) {
      held = *noted;
    } else if (old_values_) {
      before_ = held;
      before = &before_;
    }
    if (held) timestamp = std::max(timestamp, held_time);
    step(held);
    // A tombstone carries the time of the record that deleted (§3.5).
    cell.timestamp = held ? timestamp : record_time;
    return {&held, old_values_ ? before : nullptr};
  }

 private:
  bool old_values_ = false;
  std::optional<A> before_;
};

}  // namespace millrace::detail
