#include "cases/runner/ways.h"

#include <random>

namespace millrace::cases {

namespace {

std::set<std::size_t> everywhere(std::size_t steps) {
  std::set<std::size_t> all;
  for (std::size_t i = 0; i <= steps; ++i) all.insert(i);
  return all;
}

NamedTreatment restart_before(std::size_t step) {
  return {"restart before step " + std::to_string(step), {.restart_before = {step}}};
}

// In the middle, at the end, before every step, and where the seeds say; each with stores in memory
// and with stores on a disk, which a restart finds as its seed says.
std::vector<NamedTreatment> restarts(const Case& c, std::uint64_t seed, int rounds) {
  const std::size_t steps = c.input.size();
  std::vector<NamedTreatment> all = {
      restart_before(steps / 2),
      restart_before(steps),
      {"restart before every step", {.restart_before = everywhere(steps)}}};
  for (int round = 0; round < rounds; ++round) {
    std::mt19937_64 random(seed + static_cast<std::uint64_t>(round));
    all.push_back(restart_before(random() % (steps + 1)));
  }
  for (std::size_t i = all.size(); i > 0; --i) {
    NamedTreatment on_disk = all[i - 1];
    on_disk.treatment.disk = seed + i;
    on_disk.name += ", on disk with seed " + std::to_string(seed + i);
    all.push_back(std::move(on_disk));
  }
  return all;
}

std::vector<NamedTreatment> hostile_ones(const Case& c, std::uint64_t seed, int rounds) {
  std::vector<NamedTreatment> all;
  // Where a task comes anew, its schedules by the wall clock begin anew, too (SEMANTICS R-P2).
  const bool keeps_tasks = c.tags.contains("wall-clock");
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t own = seed + static_cast<std::uint64_t>(round);
    const std::string name = "hostile, seed " + std::to_string(own);
    all.push_back({name, {.hostile = own, .keeps_tasks = keeps_tasks}});
    all.push_back({name + ", transactions span inputs",
                   {.hostile = own, .keeps_tasks = keeps_tasks, .commit_each_input = false}});
  }
  return all;
}

}  // namespace

std::string to_string(Way way) {
  switch (way) {
    case Way::kPlain:
      return "plain";
    case Way::kRestart:
      return "restart";
    case Way::kHostile:
      return "hostile";
  }
  return "";
}

bool applies(Way way, const Case& c) {
  return way != Way::kRestart || !c.tags.contains("wall-clock");
}

std::vector<NamedTreatment> treatments(const Case& c, Way way, std::uint64_t seed, int rounds) {
  switch (way) {
    case Way::kPlain:
      return {{"plain", {}}};
    case Way::kRestart:
      return restarts(c, seed, rounds);
    case Way::kHostile:
      return hostile_ones(c, seed, rounds);
  }
  return {};
}

Judgement judge(const Case& c, const NamedTreatment& named) {
  Judgement judgement;
  try {
    const Run run = run_case(c, named.treatment);
    judgement.counts = run.counts;
    judgement.has_stores = run.has_stores;
    CompareOptions options;
    if (!named.treatment.commit_each_input) options = {.at = false, .unordered = run.interleaved};
    if (auto found = first_difference(c, run.results, options)) {
      judgement.failure = {named.name, std::move(found)};
    }
  } catch (const std::exception& e) {
    judgement.failure = {named.name, std::nullopt, e.what()};
  }
  return judgement;
}

}  // namespace millrace::cases
