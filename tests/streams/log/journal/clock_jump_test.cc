// The wall clock jumps under a journal: what an application keeps in it (changelogs, repartition topics)
// does not depend on the clock; other topics lose what their retention says by the clock, and no more.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "streams/log/journal/journal_harness.h"
#include "support/simulated_file_system.h"
#include "topology/internal_topic_config.h"

namespace millrace::log::journal {
namespace {

constexpr Duration kYear = std::chrono::hours(24 * 365);
constexpr std::int32_t kKept = 6;  // topics that the clock takes nothing from

class ClockJump : public testing::TestWithParam<Duration> {
 protected:
  void SetUp() override {
    journal.options.segment_bytes = 2000;
    ASSERT_TRUE(journal.open().ok());
    const auto make = [&](const std::string& name, const graph::TopicConfig& config) {
      ASSERT_TRUE(journal.make_topic(name, 1, {config.begin(), config.end()}).ok());
    };
    make("compact", graph::changelog_topic_config(graph::ChangelogCleanup::kCompact));
    make("windows", graph::changelog_topic_config(graph::ChangelogCleanup::kCompactDelete));
    make("segments", graph::changelog_topic_config(graph::ChangelogCleanup::kDelete));
    make("repartition", graph::repartition_topic_config());
    make("for-ever", {{"retention.ms", "-1"}});
    make("as-much", {{"retention.ms", "-1"}, {"retention.bytes", "100000000"}});
    make("week", {});
  }
  void fill() {
    for (int i = 0; i < 20; ++i, ++written_) {
      for (std::int32_t topic = 1; topic <= kKept + 1; ++topic) {
        // Each key once, so that compaction keeps all.
        const std::string value = "k" + std::to_string(written_) + '=' + std::string(60, '.');
        ASSERT_TRUE(journal.write({{place(topic, 0), {value}}}).ok());
      }
    }
    ASSERT_TRUE(journal.store->sync().ok());
  }
  // What the log does about retention and compaction.
  void look_after() {
    Status failure;
    Frame frame;
    frame.deletions = journal.store->expired(journal.catalog, journal.clock.now(), failure);
    ASSERT_TRUE(failure.ok()) << failure.message();
    if (!frame.deletions.empty()) {
      ASSERT_TRUE(journal.append(frame).ok());
    }
    ASSERT_TRUE(journal.store->sync().ok());
    for (int i = 0; i < 1000; ++i) {
      const auto more = journal.store->clean(journal.catalog, journal.clock.now(), 1 << 20);
      ASSERT_TRUE(more.ok()) << more.status().message();
      if (!more.value()) return;
    }
    FAIL() << "cleaning never ends";
  }
  void expect_all() {
    for (std::int32_t topic = 1; topic <= kKept; ++topic) {
      EXPECT_EQ(journal.read_all(place(topic, 0)).size(), written_) << "topic " << topic;
    }
  }
  Offset start_of_week() const {
    return journal.catalog.find(TopicId(kKept + 1))->partitions[0].start;
  }

  SimulatedFileSystem files{1};
  JournalHarness journal{files, "/data/journal"};
  std::size_t written_ = 0;
};

TEST_P(ClockJump, TakesNothingThatAnApplicationNeeds) {
  fill();
  journal.clock.advance(GetParam());
  fill();
  look_after();
  expect_all();
  ASSERT_TRUE(journal.open().ok());
  fill();
  look_after();
  expect_all();
  journal.clock.advance(-GetParam());
  ASSERT_TRUE(journal.open().ok());
  fill();
  look_after();
  expect_all();
}

TEST_P(ClockJump, RetentionGoesByIt) {
  fill();
  journal.clock.advance(GetParam());
  look_after();
  if (GetParam() > Duration{0}) {
    EXPECT_EQ(start_of_week(), journal.next(place(kKept + 1, 0))) << "as a broker's would";
  } else {
    EXPECT_EQ(start_of_week(), Offset(0)) << "what comes from the future is not old";
    journal.clock.advance(-GetParam());
    look_after();
    EXPECT_EQ(start_of_week(), Offset(0));
  }
}

INSTANTIATE_TEST_SUITE_P(Jumps, ClockJump, testing::Values(-kYear, kYear), [](const auto& test) {
  return test.param > Duration{0} ? "Ahead" : "Back";
});

}  // namespace
}  // namespace millrace::log::journal
