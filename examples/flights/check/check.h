// Whether the topology was right: every answer is computed again from the data files, without the
// engine, and compared. README.md says why this proves all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "check/truth.h"
#include "results.h"

namespace flights::check {

// Two sets of answers, side by side.
struct Comparison {
  std::string what;
  std::size_t compared = 0;
  std::size_t different = 0;
  std::vector<std::string> examples;  // of differences
};

struct Outcome {
  std::vector<Comparison> comparisons;
  std::int64_t late_hourly = 0;  // (departure, window) pairs
  std::int64_t late_in_6h = 0;

  std::size_t compared() const;
  bool equal() const;
};

Outcome check(const Truth& truth, const Results& results);

}  // namespace flights::check
