// The command line of the case runner.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "cases/runner/case.h"
#include "cases/runner/ways.h"

namespace millrace::cases {

struct Options {
  std::vector<std::string> paths = {};
  std::vector<Way> ways = {Way::kPlain, Way::kRestart, Way::kHostile};
  std::set<std::string> tags = {};  // empty: all
  std::set<std::string> skipped_tags = {};
  std::string scope = {};  // empty: all
  std::uint64_t seed = 1;
  int rounds = 1;
  bool stop = false;
  bool verbose = false;

  bool wants(const Case& c) const;
};

extern const char* const kUsage;

// Errors: std::invalid_argument that says what is not understood.
Options parse_options(const std::vector<std::string>& arguments);

}  // namespace millrace::cases
