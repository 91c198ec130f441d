#include "check/windows.h"

#include <algorithm>

namespace flights::check {

WindowSums windows_of(const std::vector<std::vector<const TrueDeparture*>>& partitions,
                      WindowShape shape) {
  WindowSums result;
  for (const auto& departures : partitions) {
    std::int64_t latest = 0;
    for (const TrueDeparture* departure : departures) {
      const std::int64_t time = departure->planned_ms;
      latest = std::max(latest, time);
      for (std::int64_t start = time - time % shape.advance; start > time - shape.size;
           start -= shape.advance) {
        if (start + shape.size + shape.grace <= latest) {
          ++result.late;
          continue;
        }
        Sum& sum = result.sums[{departure->state, start}];
        ++sum.flights;
        sum.minutes += departure->delay;
      }
    }
  }
  return result;
}

}  // namespace flights::check
