// Runs one case once, on the test driver.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "cases/runner/case.h"
#include "millrace/test_driver.h"

namespace millrace::cases {

// How the engine is treated meanwhile. Results must not depend on it.
struct Treatment {
  std::optional<std::uint64_t> hostile = std::nullopt;  // a seed
  bool keeps_tasks = false;                             // hostile, but takes no task away
  std::optional<std::uint64_t> disk = std::nullopt;     // a seed; hostile has one anyway
  // False: transactions span inputs. Then nobody knows when an output record appeared.
  bool commit_each_input = true;
  // Before these input steps the worker dies, and another takes over.
  std::set<std::size_t> restart_before = {};
};

struct Run {
  Results results;  // everything; `at` is −1 where transactions span inputs
  TestCounts counts;
  bool has_stores = false;
  // Whether an output topic is written to on both sides of an internal topic: how the records of
  // both interleave depends on when transactions end.
  std::set<std::string> interleaved;
};

// REQUIRES: unknown_words(c).empty().
// Errors: what building and running throws; StoppedError not, it is a result.
Run run_case(const Case& c, const Treatment& treatment);

}  // namespace millrace::cases
