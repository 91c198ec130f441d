// A run over many cases, with its report.
#pragma once

#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cases/runner/case.h"
#include "cases/runner/options.h"
#include "cases/runner/ways.h"

namespace millrace::cases {

// All cases under these paths that the options want, by file name. Errors: CaseError for a file
// that is no case or a path that is not there.
std::vector<Case> read_cases(const Options& options);

class Suite {
 public:
  Suite(std::vector<Case> cases, const Options& options, std::ostream& out);

  // Effect: runs and reports; the last line is "N passed, N failed, N skipped". Returns whether all
  // is well: nothing failed, and where log and disk were hostile, they did everything that they can do.
  bool run();

 private:
  void sort_out_unknown();
  void run_way(Way way);
  // Returns false once --stop ends the run.
  bool run_round(Way way, std::uint64_t seed, int rounds);
  bool run_case_in(Way way, const Case& c, std::uint64_t seed, int rounds);
  void report(const Case& c, const Failure& failure);
  void report_way(Way way, double seconds);
  void report_counts();
  bool all_faults_came_up() const;

  const std::vector<Case> cases_;
  const Options& options_;
  std::ostream& out_;
  std::map<std::string, int> unknown_words_;  // with the number of cases
  std::set<std::string> skipped_;             // files
  std::map<Way, std::set<std::string>> failed_;
  TestCounts counts_;       // of hostile runs
  bool any_store_ = false;  // in one of them
  bool all_faults_seen_ = true;
};

}  // namespace millrace::cases
