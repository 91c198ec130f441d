// Retention where the clock was wrong for a while.
#include <gtest/gtest.h>

#include "streams/log/journal/journal_harness.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kYear = 365 * kDay;

struct RetentionClockTest : testing::Test {
  SimulatedFileSystem files{1};
  JournalHarness journal{files, "/data/journal"};
  const PartitionKey where = place(1, 0);

  void SetUp() override {
    journal.options.segment_bytes = 1000;
    ASSERT_TRUE(journal.open().ok());
    ASSERT_TRUE(
        journal.make_topic("t", 1, {{"retention.ms", std::to_string((7 * kDay).count())}}).ok());
  }
  // Ten records, appended at this time.
  void write_at(Timestamp time) {
    journal.clock = ManualClock(time);
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(journal.write({{where, {"k=" + std::string(100, 'v')}}}).ok());
    ASSERT_TRUE(journal.store->sync().ok());
  }
  // Where the partition starts after retention has looked at it at this time.
  Offset start_at(Timestamp now) {
    Status failure;
    Frame frame;
    frame.deletions = journal.store->expired(journal.catalog, now, failure);
    EXPECT_TRUE(failure.ok()) << failure.message();
    if (!frame.deletions.empty()) {
      EXPECT_TRUE(journal.append(frame).ok());
    }
    return journal.catalog.find("t")->partitions[0].start;
  }

  const Timestamp today = from_ms(1'700'000'000'000);
};

TEST_F(RetentionClockTest, RecordsFromTheFutureGoWithTheOnesBehindThem) {
  // They were appended before those, whatever the clock said; else they would keep all that follows for
  // as long as the clock was ahead.
  write_at(today + 50 * kYear);
  write_at(today);
  EXPECT_EQ(start_at(today + kDay), Offset(0));
  EXPECT_EQ(start_at(today + 7 * kDay + Duration(1)), Offset(40));
}

TEST_F(RetentionClockTest, RecordsFromTheFutureDoNotHoldUpCompaction) {
  journal.options.segment_bytes = 2000;
  ASSERT_TRUE(
      journal.make_topic("c", 1, {{"cleanup.policy", "compact"}, {"min.compaction.lag.ms", "1000"}})
          .ok());
  const PartitionKey compacted = place(2, 0);
  const auto write = [&](Timestamp time) {
    journal.clock = ManualClock(time);
    for (int i = 0; i < 60; ++i)
      ASSERT_TRUE(journal.write({{compacted, {"k=" + std::string(100, 'v')}}}).ok());
    ASSERT_TRUE(journal.store->sync().ok());
  };
  write(today + 50 * kYear);
  write(today);
  for (bool more = true; more;) {
    const auto cleaned = journal.store->clean(journal.catalog, today + kDay, 1 << 20);
    ASSERT_TRUE(cleaned.ok()) << cleaned.status().message();
    more = cleaned.value();
  }
  EXPECT_LT(journal.read_all(compacted).size(), 60u);
}

TEST_F(RetentionClockTest, AClockThatGoesBackDeletesNothing) {
  write_at(today);
  write_at(today + kDay);
  EXPECT_EQ(start_at(today - kYear), Offset(0));
  EXPECT_EQ(start_at(Timestamp()), Offset(0));
  EXPECT_EQ(start_at(today + 7 * kDay + Duration(1)), Offset(20));
}

}  // namespace
}  // namespace millrace::log::journal
