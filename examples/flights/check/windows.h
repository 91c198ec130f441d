// Tumbling and hopping windows in their simplest form: what the topology's must be equal to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "check/truth.h"

namespace flights::check {

// In milliseconds.
struct WindowShape {
  std::int64_t size, advance, grace;
};

struct Sum {
  std::int64_t flights = 0, minutes = 0;
};

struct WindowSums {
  std::map<std::pair<std::string, std::int64_t>, Sum> sums;  // by state and start
  std::int64_t late = 0;  // pairs of a departure and a window that was closed already
};

// `partitions`: the departures as they came, partition by partition. A window is closed once the
// latest planned departure of its partition, so far, is at its end plus grace.
WindowSums windows_of(const std::vector<std::vector<const TrueDeparture*>>& partitions,
                      WindowShape shape);

}  // namespace flights::check
