// Compares what a run gave with what Kafka Streams gave: README.md §3.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "cases/runner/case.h"

namespace millrace::cases {

// The first difference that was found.
struct Difference {
  std::string what;      // "output O[3]", "store S[0]", …
  std::string expected;  // a record in the manner of cases, or "nothing"
  std::string actual;
  std::optional<std::int64_t> at = std::nullopt;  // the input step that came just before
};

struct CompareOptions {
  bool at = true;  // also when outputs appeared
  // Output topics of which the order is not given, besides those that the case itself names.
  std::set<std::string> unordered = {};
};

std::optional<Difference> first_difference(const Case& c, const Results& actual,
                                           const CompareOptions& options = {});

}  // namespace millrace::cases
