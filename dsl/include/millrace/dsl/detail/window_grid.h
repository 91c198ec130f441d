// WindowGrid: which windows a record belongs to, and which of them are closed (SEMANTICS R-W1,
// R-W2). All times in milliseconds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "millrace/dsl/windows.h"
#include "millrace/time.h"

namespace millrace::detail {

// REQUIRES for all: 0 < advance <= size, grace >= 0, times >= 0.
struct WindowGrid {
  std::int64_t size = 1;
  std::int64_t advance = 1;
  std::int64_t grace = 0;

  static WindowGrid of(const TimeWindows& windows) {
    return {to_ms(windows.size), to_ms(windows.advance), to_ms(windows.grace.value())};
  }

  // The first start of a window that holds this time; the others follow at distances of `advance`
  // and are not greater than the time.
  std::int64_t first_start(std::int64_t time) const {
    return std::max<std::int64_t>(0, time - size + advance) / advance * advance;
  }

  // Effect: start(s) for each window of this time, ascending.
  template <class F>
  void for_each_start(std::int64_t time, F&& visit) const {
    for (std::int64_t start = first_start(time);; start += advance) {
      visit(start);
      if (time - start < advance) return;
    }
  }

  bool is_closed(std::int64_t start, std::int64_t observed) const {
    constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
    const std::int64_t end = start > last - size ? last : start + size;
    return end <= observed - grace;
  }
};

}  // namespace millrace::detail
