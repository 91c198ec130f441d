// The ways in which every case must give the same results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cases/runner/case.h"
#include "cases/runner/compare.h"
#include "cases/runner/run.h"

namespace millrace::cases {

enum class Way {
  kPlain,    // a commit after each input
  kRestart,  // the same, and the worker dies on the way: state comes back from the changelogs, or
             // from a disk and the changelogs
  kHostile,  // the log behaves as badly as a cluster may, the disk is late and memory short;
             // transactions end with inputs, and anywhere
};
std::string to_string(Way way);

struct NamedTreatment {
  std::string name;  // enough to do it again: "hostile, seed 7, transactions span inputs"
  Treatment treatment;
};

// Seeds are those of rounds: seed, seed + 1, …
std::vector<NamedTreatment> treatments(const Case& c, Way way, std::uint64_t seed, int rounds);

// Whether this way says anything about the case (README.md §7: a restart moves punctuations by the
// wall clock).
bool applies(Way way, const Case& c);

// What was wrong: a difference, or something that was thrown.
struct Failure {
  std::string treatment;
  std::optional<Difference> difference;
  std::string error = {};
};

struct Judgement {
  std::optional<Failure> failure;
  TestCounts counts;
  bool has_stores = false;
};

// Effect: runs the case once and compares. Throws nothing.
Judgement judge(const Case& c, const NamedTreatment& named);

}  // namespace millrace::cases
