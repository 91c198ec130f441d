// A store of windows, whatever its layout in memory: what views of it use.
#pragma once

#include <cstdint>
#include <functional>

#include "millrace/detail/segmented_cells.h"

namespace millrace::state {

class AnyWindowCells : public SegmentedCells {
 public:
  using SegmentedCells::SegmentedCells;

  // How long its windows are, which entries do not say.
  virtual Duration window_size() const = 0;

  // The cell of this key and start, maybe empty, or nullptr; nullptr also where the window is not
  // readable. May ask the disk, once. A store that keeps duplicates has none: use fetch().
  virtual Cell* find(BytesView key, std::int64_t start_ms) = 0;

  // Effect: notes that this start was put (R-W5), then the cell that a value of this key and start goes
  // to: the one that is there, or, in a store that keeps duplicates, a new one beside it.
  // REQUIRES: start_ms >= 0; readable(start_ms).
  virtual Cell& put_at(BytesView key, std::int64_t start_ms) = 0;

  // What a scan is about: key_from <= key < key_to (nullopt: unbounded), and starts in [from, to],
  // both inclusive.
  struct Range {
    OptionalBytesView key_from = {};
    OptionalBytesView key_to = {};
    std::int64_t from_ms = 0;
    std::int64_t to_ms = INT64_MAX;
  };
  // Returns whether to go on. REQUIRES: uses no function of the store. Lifetime of what it gets: the
  // call.
  using Visit = std::function<bool(BytesView key, std::int64_t start_ms, const Cell& cell)>;

  // Effect: visits the readable windows of this key with a value and a start in [from, to], by start,
  // duplicates as they were put, or backward in all.
  virtual void fetch(BytesView key, std::int64_t from_ms, std::int64_t to_ms, ScanOrder order,
                     const Visit& visit) = 0;

  // Effect: visits the readable windows with a value. Their order: see the store.
  virtual void scan(const Range& range, ScanOrder order, const Visit& visit) = 0;
};

}  // namespace millrace::state
