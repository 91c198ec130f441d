// Random input with many bad records of all kinds, on a plain and on a hostile log: what is visible
// is what the run without them shows, and each dead letter is there once.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "streams/worker/failures.h"

namespace millrace::worker {
namespace {

constexpr std::int32_t kPartitions = 3;

struct Script {
  std::vector<Input> all;
  std::vector<Input> good;
  std::vector<std::string> bad;  // "value@partition"
};

Script script(std::uint64_t seed, const std::vector<std::string>& faults) {
  std::mt19937_64 random(seed);
  Script made;
  const std::uint64_t one_in = 3 + seed % 20;
  for (int i = 0; i < 120; ++i) {
    const auto p = static_cast<std::int32_t>(random() % kPartitions);
    Input record{"p" + std::to_string(p) + "-" + std::to_string(random() % 3), std::to_string(i),
                 static_cast<std::int64_t>(random() % 500), p};
    if (random() % one_in == 0) {
      record.value = faults[random() % faults.size()] + "#" + std::to_string(i);
      made.bad.push_back(record.value);
    } else {
      made.good.push_back(record);
    }
    made.all.push_back(record);
  }
  std::sort(made.bad.begin(), made.bad.end());
  return made;
}

// What each key's consumer sees, in order: tasks write to a partition side by side.
std::map<std::string, std::vector<std::string>> by_key(const Seen& seen) {
  std::map<std::string, std::vector<std::string>> lines;
  for (const auto& [where, records] : seen.outputs) {
    for (const std::string& line : records) {
      lines[where.substr(0, where.rfind('-')) + ":" + line.substr(0, line.find('='))].push_back(
          line);
    }
  }
  return lines;
}

void check(const Topology& topology, const Script& script, const RunOptions& options) {
  const Seen clean = run(topology, script.good, {.partitions = kPartitions});
  ASSERT_EQ(clean.failure, "");
  const Seen seen = run(topology, script.all, options);
  ASSERT_EQ(seen.failure, "");
  EXPECT_EQ(by_key(seen), by_key(clean));
  std::vector<std::string> letters;
  for (const auto& letter : seen.dead_letters) letters.push_back(letter.value.value_or("null"));
  std::sort(letters.begin(), letters.end());
  EXPECT_EQ(letters, script.bad);
}

class ManyBadRecords : public testing::TestWithParam<std::uint64_t> {
 protected:
  RunOptions options(bool hostile) const {
    const std::uint64_t seed = GetParam();
    RunOptions wanted;
    if (hostile) wanted.hostile = seed;
    wanted.errors = {.deserialization = ErrorAction::kDeadLetter,
                     .processing = ErrorAction::kDeadLetter,
                     .production = ErrorAction::kDeadLetter,
                     .dead_letter_topic = "dead"};
    wanted.partitions = kPartitions;
    wanted.records_per_step = 1 + seed % 7;
    wanted.commit_interval = Duration(static_cast<int>(1 + seed % 4 * 40));
    return wanted;
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, ManyBadRecords, testing::Range<std::uint64_t>(1, 31));

const std::vector<std::string> kFaults = {"!read", "!call", "!late", "!write"};

TEST_P(ManyBadRecords, LeaveNoTrace) {
  check(fragile(), script(GetParam(), kFaults), options(false));
}

TEST_P(ManyBadRecords, LeaveNoTraceOnAHostileLog) {
  check(fragile(), script(GetParam(), kFaults), options(true));
}

TEST_P(ManyBadRecords, ThatShowAtCommitLeaveNoTrace) {
  check(fragile_changelog(), script(GetParam(), {"!write"}), options(false));
}

TEST_P(ManyBadRecords, ThatShowAtCommitLeaveNoTraceOnAHostileLog) {
  check(fragile_changelog(), script(GetParam(), {"!write"}), options(true));
}

// Where failures come one behind the other, only the first one costs the transaction that it met; of
// the others each is taken back alone.
class FailuresInARow : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(EveryPlace, FailuresInARow,
                         testing::Values("!call", "!late", "!write", "!write in a changelog"));

TEST_P(FailuresInARow, CostOneAbort) {
  const bool in_changelog = GetParam() == "!write in a changelog";
  std::vector<Input> good;
  std::vector<Input> all;
  for (int i = 0; i < 400; ++i) {
    const std::string key = "k" + std::to_string(i % 5);
    if (i % 4 == 3) {
      all.push_back({key, GetParam().substr(0, GetParam().find(' ')), i});
    } else {
      good.push_back({key, "x", i});
      all.push_back(good.back());
    }
  }
  const Topology topology = in_changelog ? fragile_changelog() : fragile();
  const RunOptions options{.errors = {.processing = ErrorAction::kSkip,
                                      .production = ErrorAction::kDeadLetter,
                                      .dead_letter_topic = "dead"},
                           .records_per_step = 7,
                           .commit_interval = Duration(2)};
  const Seen clean = run(topology, good, options);
  const Seen seen = run(topology, all, options);
  EXPECT_EQ(seen.failure, "");
  EXPECT_EQ(seen.outputs, clean.outputs);
  EXPECT_EQ(seen.aborts, clean.aborts + 1);
}

}  // namespace
}  // namespace millrace::worker
