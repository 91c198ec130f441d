// What the test driver promises beyond the engine that it runs.
#include "millrace/test_driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "millrace/dsl.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

TEST(TestDriver, ShowsRepartitionRecordsThatTheEngineHasDeleted) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .select_key([](const std::string& value) { return value; })
      .repartition("by-value")
      .to("out");
  TopologyTestDriver driver(builder.build());
  auto in = driver.create_input_topic(Topic<std::string, std::string>("in"));
  auto repartition =
      driver.create_output_topic(Topic<std::string, std::string>("test-by-value-repartition"));
  constexpr int kRecords = 700;  // a commit each, 100 ms apart: the engine deletes every 30 s
  std::vector<std::string> expected;
  for (int i = 0; i < kRecords; ++i) {
    expected.push_back(std::to_string(i));
    in.pipe_input("k", expected.back(), Timestamp(1ms));
  }
  EXPECT_EQ(repartition.read_values_to_list(), expected);
  EXPECT_EQ(driver.committed_records("test-by-value-repartition").size(), expected.size());
}

TEST(TestDriver, WhatIsPipedAfterDrainIsTakenAfterwards) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    StreamsBuilder builder;
    builder.stream<std::string, std::string>({"a", "b"}).to("out");
    TopologyTestDriver driver(builder.build(), {}, {.hostile = seed, .commit_each_input = false});
    auto a = driver.create_input_topic(Topic<std::string, std::string>("a"));
    auto b = driver.create_input_topic(Topic<std::string, std::string>("b"));
    auto out = driver.create_output_topic(Topic<std::string, std::string>("out"));
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) {
      expected.push_back(std::to_string(i));
      (i % 2 == 0 ? a : b)
          .pipe_input("k", expected.back(), Timestamp(std::chrono::milliseconds(i)));
      driver.drain();
    }
    EXPECT_EQ(out.read_values_to_list(), expected) << "seed " << seed;
  }
}

// What tells of the past must be right whatever the log does: tasks are taken away while nobody
// knows what became of their transaction.
TEST(TestDriver, HostileRunsCountEachDroppedRecordOnce) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    StreamsBuilder builder;
    builder.stream<std::string, std::string>("in").to("out");  // a null key is skipped and counted
    TopologyTestDriver driver(builder.build(), {}, {.hostile = seed});
    auto in = driver.create_input_topic(Topic<std::optional<std::string>, std::string>("in"));
    constexpr int kDropped = 15;
    for (int i = 0; i < kDropped; ++i) {
      in.pipe_input(std::nullopt, "v", Timestamp(1ms));
      in.pipe_input("k", "v", Timestamp(2ms));
    }
    std::int64_t dropped = 0;
    for (const auto& [what, count] : driver.dropped_records()) dropped += count;
    EXPECT_EQ(dropped, kDropped) << "seed " << seed;
  }
}

TEST(TestDriver, TellsWhichAttemptsWereCommitted) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<std::string> pending;
    std::vector<std::string> committed;
    StreamsBuilder builder;
    builder.stream<std::string, std::string>("in")
        .peek([&](const std::string& value) { pending.push_back(value); })
        .to("out");
    TopologyTestDriver driver(builder.build(), {}, {.hostile = seed});
    driver.on_transaction_end([&](bool counts) {
      if (counts) committed.insert(committed.end(), pending.begin(), pending.end());
      pending.clear();
    });
    auto in = driver.create_input_topic(Topic<std::string, std::string>("in"));
    for (int i = 0; i < 30; ++i) in.pipe_input("k", std::to_string(i), Timestamp(1ms));
    auto out = driver.create_output_topic(Topic<std::string, std::string>("out"));
    EXPECT_EQ(committed, out.read_values_to_list()) << "seed " << seed;
  }
}

// A count per key and one per key and window; what goes in depends on the seed alone.
Topology counting() {
  StreamsBuilder builder;
  auto groups = builder.stream<std::string, std::string>("in").group_by_key();
  const auto text = [](const std::optional<std::int64_t>& n) {
    return std::to_string(n.value_or(0));
  };
  groups.count("all").to_stream().map_values(text).to("out");
  groups.windowed_by(TimeWindows{.size = 20ms, .grace = 20ms})
      .count("windows")
      .to_stream()
      .map([=](const Windowed<std::string>& w, const std::optional<std::int64_t>& n) {
        return KeyValue{w.key, text(n)};
      })
      .to("out-of-windows");
  return builder.build();
}

struct Counted {
  std::vector<KeyValue<std::string, std::string>> all;
  std::vector<KeyValue<std::string, std::string>> windows;
  std::vector<std::optional<std::int64_t>> store;
  std::map<std::string, std::int64_t> dropped;

  friend bool operator==(const Counted&, const Counted&) = default;
};

Counted count(const TestOptions& options, bool restarts, TestCounts& sum) {
  TopologyTestDriver driver(counting(), {}, options);
  auto in = driver.create_input_topic(Topic<std::string, std::string>("in"));
  std::map<std::string, std::int64_t> dropped;
  const auto count_dropped = [&] {
    for (const auto& [what, n] : driver.dropped_records()) dropped[what] += n;
  };
  for (int i = 0; i < 60; ++i) {
    if (restarts && i % 7 == 3) {
      count_dropped();
      driver.restart();
    }
    in.pipe_input("k" + std::to_string(i * i % 11), "v",
                  Timestamp(std::chrono::milliseconds(i * 37 % 100)));
  }
  const auto read = [&](const char* topic) {
    return driver.create_output_topic(Topic<std::string, std::string>(topic))
        .read_key_values_to_list();
  };
  Counted counted{
      .all = read("out"), .windows = read("out-of-windows"), .store = {}, .dropped = {}};
  const auto store = driver.store(KeyValueStoreName<std::string, std::int64_t>("all"));
  for (int i = 0; i < 12; ++i) counted.store.push_back(store.get("k" + std::to_string(i)));
  count_dropped();
  counted.dropped = dropped;
  sum.evictions += driver.counts().evictions;
  sum.disk_reads += driver.counts().disk_reads;
  return counted;
}

TEST(TestDriver, IsPlainWhereThatIsSaidWhateverTheEnvironmentSays) {
  const char* set = std::getenv("MILLRACE_HOSTILE");
  const std::string before = set == nullptr ? "" : set;
  setenv("MILLRACE_HOSTILE", "5", 1);
  TestCounts hostile;
  count({}, false, hostile);
  TestCounts plain;
  count({.plain = true}, false, plain);
  if (set == nullptr) {
    unsetenv("MILLRACE_HOSTILE");
  } else {
    setenv("MILLRACE_HOSTILE", before.c_str(), 1);
  }
  EXPECT_GT(hostile.evictions, 0);
  EXPECT_EQ(plain.evictions, 0);
}

TEST(TestDriver, ADiskChangesNoResultWhateverARestartFindsThere) {
  TestCounts in_memory;
  const Counted expected = count({.plain = true}, false, in_memory);
  EXPECT_EQ(in_memory.evictions, 0);
  EXPECT_EQ(in_memory.disk_reads, 0);
  EXPECT_GT(expected.dropped.size(), 0u) << "some records are late";
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    TestCounts counts;
    EXPECT_EQ(count({.disk = seed}, false, counts), expected) << "seed " << seed;
    EXPECT_EQ(count({.disk = seed}, true, counts), expected) << "seed " << seed << ", restarts";
    EXPECT_EQ(count({.hostile = seed}, false, counts), expected) << "seed " << seed << ", hostile";
    EXPECT_GT(counts.evictions, 0) << "seed " << seed;
    EXPECT_GT(counts.disk_reads, 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace millrace
