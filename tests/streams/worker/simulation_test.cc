// Several workers on a hostile log, many random lives. At the end of each: what is committed is
// exactly what the input says (nothing lost, doubled, or out of order), changelogs are the state,
// nothing is open; and the same seed lives the same life.
//
//   MILLRACE_SIMULATION=17: this seed only, with the workers' words; 1-20000: all of these.
#include "streams/worker/simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "streams/worker/topologies.h"

namespace millrace::worker {
namespace {

std::vector<std::uint64_t> seeds(std::uint64_t last = 1'500) {
  std::uint64_t first = 1;
  if (const char* wanted = std::getenv("MILLRACE_SIMULATION")) {
    char* end = nullptr;
    first = std::strtoull(wanted, &end, 10);
    last = *end == '-' ? std::strtoull(end + 1, nullptr, 10) : first;
  }
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = first; seed <= last; ++seed) all.push_back(seed);
  return all;
}

struct Totals {
  log::memory::HostileCounts counts;
  int deaths = 0;
  void add(const Simulation& life) {
    counts.commits += life.counts().commits;
    counts.aborts += life.counts().aborts;
    counts.fences += life.counts().fences;
    counts.unknown_outcomes += life.counts().unknown_outcomes;
    counts.delivery_failures += life.counts().delivery_failures;
    counts.revocations += life.counts().revocations;
    counts.losses += life.counts().losses;
    deaths += life.deaths();
  }
  void expect_all_happened() const {
    EXPECT_GT(counts.commits, 0);
    EXPECT_GT(counts.aborts, 0);
    EXPECT_GT(counts.fences, 0);
    EXPECT_GT(counts.unknown_outcomes, 0);
    EXPECT_GT(counts.delivery_failures, 0);
    EXPECT_GT(counts.revocations, 0);
    EXPECT_GT(counts.losses, 0);
    EXPECT_GT(deaths, 0);
  }
};

// The invariants of copying: each partition's records, each once, in their order.
void expect_copied(const Simulation& life) {
  std::map<std::string, std::vector<std::string>> copied;  // by key, which is the input partition
  for (std::int32_t p = 0; p < Simulation::kPartitions; ++p) {
    for (const auto& record : life.committed("out", p))
      copied[record.key.value()].push_back(record.value.value());
  }
  for (std::int32_t p = 0; p < Simulation::kPartitions; ++p)
    ASSERT_EQ(copied[std::to_string(p)], life.input()[static_cast<std::size_t>(p)]) << p;
}

// The invariants of counting: counts go up one by one, and the changelog holds the last of them.
void expect_counted(const Simulation& life) {
  std::map<std::string, std::int64_t> expected;
  for (const auto& values : life.input()) {
    for (const std::string& value : values) ++expected[value];
  }
  std::map<std::string, std::int64_t> counted;
  std::map<std::string, std::int64_t> in_changelog;
  for (std::int32_t p = 0; p < Simulation::kPartitions; ++p) {
    for (const auto& record : life.committed("out", p))
      ASSERT_EQ(record.value.value(), std::to_string(++counted[record.key.value()]));
    for (const auto& record : life.committed("app-n-changelog", p)) {
      std::int64_t count = 0;
      for (const char byte : record.value.value())
        count = count * 256 + static_cast<unsigned char>(byte);
      in_changelog[record.key.value()] = count;
    }
  }
  ASSERT_EQ(counted, expected);
  ASSERT_EQ(in_changelog, expected);
}

// I1, I2, I8: the records of each partition, each once, in their order.
TEST(Simulation, CopiesEachRecordOnceInOrder) {
  Totals totals;
  for (const std::uint64_t seed : seeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation life(copying(), seed);
    ASSERT_EQ(life.run(), "");
    ASSERT_NO_FATAL_FAILURE(expect_copied(life));
    totals.add(life);
  }
  if (seeds().size() > 1) totals.expect_all_happened();
}

// I1, I3, I4, I8: counts behind a repartition topic go up one by one, and the changelog holds the
// last of them.
TEST(Simulation, CountsEachRecordOnce) {
  Totals totals;
  for (const std::uint64_t seed : seeds()) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation life(counting_values(), seed);
    ASSERT_EQ(life.run(), "");
    ASSERT_NO_FATAL_FAILURE(expect_counted(life));
    totals.add(life);
  }
  if (seeds().size() > 1) totals.expect_all_happened();
}

// The same where stores lie on disks that apply late, a process that dies finds its disk as it was, and
// what the disk has leaves memory.
TEST(Simulation, CountsEachRecordOnceOverDisks) {
  Totals totals;
  std::int64_t evictions = 0;
  for (const std::uint64_t seed : seeds(500)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation life(counting_values(), seed, Workers::kProcesses, Disks::kOfEachProcess);
    ASSERT_EQ(life.run(), "");
    ASSERT_NO_FATAL_FAILURE(expect_counted(life));
    totals.add(life);
    evictions += life.evictions();
  }
  if (seeds().size() == 1) return;
  totals.expect_all_happened();
  EXPECT_GT(evictions, 0);
}

// The invariants of batching: each record is in one batch, sent or still kept; stream time never
// makes the same call twice. Returns how many of those there were.
void expect_batched(const Simulation& life, std::int64_t& ticks) {
  std::map<std::string, std::int64_t> batched;
  std::map<std::string, std::int64_t> last_tick;
  std::map<std::string, std::int64_t> kept;
  for (std::int32_t p = 0; p < Simulation::kPartitions; ++p) {
    for (const auto& record : life.committed("out", p)) {
      const std::string& key = record.key.value();
      const std::int64_t number = std::stoll(record.value.value());
      if (!key.starts_with("tick")) {
        batched[key] += number;
        continue;
      }
      const auto [last, is_first] = last_tick.try_emplace(key, number);
      if (!is_first) {
        ASSERT_GT(number, last->second) << key;
      }
      last->second = number;
      ++ticks;
    }
    for (const auto& record : life.committed("app-batch-changelog", p)) {
      std::int64_t count = 0;
      for (const char byte : record.value.value_or(""))
        count = count * 256 + static_cast<unsigned char>(byte);
      kept[record.key.value()] = count;
    }
  }
  for (std::int32_t p = 0; p < Simulation::kPartitions; ++p) {
    const std::string key = std::to_string(p);
    ASSERT_EQ(batched[key] + kept[key],
              static_cast<std::int64_t>(life.input()[static_cast<std::size_t>(p)].size()));
  }
}

// I1, I3, I8 of punctuations: they are steps of their transactions.
TEST(Simulation, PunctuationsBatchEachRecordOnce) {
  Totals totals;
  std::int64_t ticks = 0;
  for (const std::uint64_t seed : seeds(300)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation life(batching(), seed);
    ASSERT_EQ(life.run(), "");
    ASSERT_NO_FATAL_FAILURE(expect_batched(life, ticks));
    totals.add(life);
  }
  if (seeds().size() == 1) return;
  totals.expect_all_happened();
  EXPECT_GT(ticks, 0);
}

// The same of threads in one process, whose commits only their transactional ids fence: what a failed
// thread or a dead process left on its way changes nothing.
TEST(Simulation, ThreadsCopyEachRecordOnceInOrder) {
  int deaths = 0;
  int process_deaths = 0;
  for (const std::uint64_t seed : seeds(500)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation life(copying(), seed, Workers::kThreads);
    ASSERT_EQ(life.run(), "");
    ASSERT_NO_FATAL_FAILURE(expect_copied(life));
    deaths += life.deaths();
    process_deaths += life.process_deaths();
  }
  if (seeds().size() == 1) return;
  EXPECT_GT(deaths, 0);
  EXPECT_GT(process_deaths, 0);
}

TEST(Simulation, ThreadsCountEachRecordOnce) {
  for (const std::uint64_t seed : seeds(500)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation life(counting_values(), seed, Workers::kThreads);
    ASSERT_EQ(life.run(), "");
    ASSERT_NO_FATAL_FAILURE(expect_counted(life));
  }
}

// I12.
TEST(Simulation, TheSameSeedLivesTheSameLife) {
  for (const std::uint64_t seed : {3, 4}) {
    for (const Workers workers : {Workers::kProcesses, Workers::kThreads}) {
      Simulation first(counting_values(), seed, workers);
      Simulation second(counting_values(), seed, workers);
      EXPECT_EQ(first.run(), second.run());
      EXPECT_EQ(first.trace(), second.trace());
      EXPECT_EQ(first.counts().commits, second.counts().commits);
    }
  }
}

}  // namespace
}  // namespace millrace::worker
