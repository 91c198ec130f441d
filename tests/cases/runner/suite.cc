#include "cases/runner/suite.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <ostream>

#include "cases/runner/building.h"
#include "cases/runner/show.h"

namespace millrace::cases {

namespace {

// A few cases may be too short for every fault to come up at the first try.
constexpr int kMostExtraRounds = 40;

void add(const TestCounts& counts, TestCounts& sum) {
  sum.commits += counts.commits;
  sum.aborts += counts.aborts;
  sum.fences += counts.fences;
  sum.unknown_outcomes += counts.unknown_outcomes;
  sum.revocations += counts.revocations;
  sum.evictions += counts.evictions;
  sum.disk_reads += counts.disk_reads;
}

std::vector<std::string> files_under(const std::string& path) {
  namespace fs = std::filesystem;
  if (!fs::exists(path)) throw CaseError(path + ": there is no such file or folder");
  if (!fs::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<Case> read_cases(const Options& options) {
  std::vector<Case> cases;
  for (const std::string& path : options.paths) {
    for (const std::string& file : files_under(path)) {
      Case c = read_case(file);
      if (options.wants(c)) cases.push_back(std::move(c));
    }
  }
  return cases;
}

Suite::Suite(std::vector<Case> cases, const Options& options, std::ostream& out)
    : cases_(std::move(cases)), options_(options), out_(out) {}

bool Suite::run() {
  sort_out_unknown();
  for (const Way way : options_.ways) run_way(way);

  if (!unknown_words_.empty()) {
    out_ << "skipped for what the runner does not know:";
    const char* separator = " ";
    for (const auto& [word, count] : unknown_words_) {
      out_ << separator << word << " (" << count << ')';
      separator = ", ";
    }
    out_ << '\n';
  }
  std::set<std::string> failed;
  for (const auto& [way, files] : failed_) failed.insert(files.begin(), files.end());
  out_ << cases_.size() - skipped_.size() - failed.size() << " passed, " << failed.size()
       << " failed, " << skipped_.size() << " skipped" << std::endl;
  return failed.empty() && all_faults_seen_;
}

void Suite::sort_out_unknown() {
  for (const Case& c : cases_) {
    std::set<std::string> words;
    try {
      words = unknown_words(c);
    } catch (const std::exception&) {
      continue;  // it will fail with this
    }
    if (!words.empty()) skipped_.insert(c.file);
    for (const std::string& word : words) ++unknown_words_[word];
  }
}

void Suite::run_way(Way way) {
  const auto started = std::chrono::steady_clock::now();
  bool going_on = run_round(way, options_.seed, options_.rounds);
  const bool runs_any = skipped_.size() < cases_.size();
  for (int extra = 0; way == Way::kHostile && runs_any && extra < kMostExtraRounds; ++extra) {
    if (!going_on || all_faults_came_up()) break;
    going_on =
        run_round(way, options_.seed + static_cast<std::uint64_t>(options_.rounds + extra), 1);
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
  report_way(way, taken.count());
  if (way == Way::kHostile && runs_any) report_counts();
}

bool Suite::run_round(Way way, std::uint64_t seed, int rounds) {
  for (const Case& c : cases_) {
    if (skipped_.contains(c.file) || !applies(way, c) || failed_[way].contains(c.file)) continue;
    const bool passed = run_case_in(way, c, seed, rounds);
    if (!passed && options_.stop) return false;
  }
  return true;
}

bool Suite::run_case_in(Way way, const Case& c, std::uint64_t seed, int rounds) {
  if (options_.verbose) {
    out_ << to_string(way) << ' ' << c.name << (c.note.empty() ? "" : ": ") << c.note << std::endl;
  }
  for (const NamedTreatment& named : treatments(c, way, seed, rounds)) {
    const Judgement judgement = judge(c, named);
    if (way == Way::kHostile) {
      add(judgement.counts, counts_);
      any_store_ = any_store_ || judgement.has_stores;
    }
    if (!judgement.failure) continue;
    failed_[way].insert(c.file);
    report(c, *judgement.failure);
    return false;
  }
  return true;
}

void Suite::report(const Case& c, const Failure& failure) {
  out_ << "FAILED " << c.file << " (" << failure.treatment << ")\n";
  if (!failure.difference) {
    out_ << "  " << failure.error << std::endl;
    return;
  }
  const Difference& difference = *failure.difference;
  out_ << "  " << difference.what << "\n    expected " << difference.expected << "\n    actual   "
       << difference.actual << '\n';
  if (difference.at && *difference.at < static_cast<std::int64_t>(c.input.size())) {
    const auto at = static_cast<std::size_t>(*difference.at);
    out_ << "    at step  " << at << ", " << show_step(c.input[at]) << '\n';
  }
  out_ << std::flush;
}

void Suite::report_way(Way way, double seconds) {
  const auto applying = std::count_if(cases_.begin(), cases_.end(), [&](const Case& c) {
    return !skipped_.contains(c.file) && applies(way, c);
  });
  const auto failed = static_cast<std::ptrdiff_t>(failed_[way].size());
  out_ << to_string(way) << ": " << applying - failed << " passed, " << failed << " failed";
  if (way != Way::kPlain) {
    out_ << ", seed " << options_.seed;
    if (options_.rounds > 1) {
      out_ << " to " << options_.seed + static_cast<std::uint64_t>(options_.rounds) - 1;
    }
  }
  out_ << " (" << std::fixed << std::setprecision(1) << seconds << " s)" << std::endl;
}

// What has no store never asks a disk.
bool Suite::all_faults_came_up() const {
  const bool disk_too = counts_.evictions > 0 && counts_.disk_reads > 0;
  return std::min({counts_.commits, counts_.aborts, counts_.fences, counts_.unknown_outcomes,
                   counts_.revocations}) > 0 &&
         (disk_too || !any_store_);
}

void Suite::report_counts() {
  out_ << "hostile: commits " << counts_.commits << ", aborts " << counts_.aborts << ", fences "
       << counts_.fences << ", unknown outcomes " << counts_.unknown_outcomes << ", revocations "
       << counts_.revocations << ", evictions " << counts_.evictions << ", disk reads "
       << counts_.disk_reads << '\n';
  all_faults_seen_ = all_faults_came_up();
  if (!all_faults_seen_) {
    out_ << "FAILED: log and disk were not hostile in every way that they can be" << std::endl;
  }
}

}  // namespace millrace::cases
