// The ids of producers: remembered while anybody uses them, and for a while.
#include "log/journal/coordinator.h"

#include <gtest/gtest.h>

namespace millrace::log::journal {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWeek = std::chrono::hours(24 * 7);

struct CoordinatorTest : testing::Test {
  ManualClock clock{from_ms(1'700'000'000'000)};
  LiveTopics topics;
  LocalGroups groups;
  Coordinator coordinator{clock, topics, groups, kWeek};
  Inbox inbox;

  void SetUp() override { topics.add({TopicId(1), "a", {}, {PartitionState{}}}); }

  Coordinator::Seat init(const std::string& id) {
    return coordinator.init(id, Duration(1000), {&inbox, Epoch(1), OperationId(1)});
  }
  void append(const Coordinator::Seat& seat) {
    RecordEncoder records;
    records.add(0, "key", "value", clock.now(), Headers::none());
    coordinator.append(seat, topics.find("a"), Partition(0),
                       std::make_shared<const FlushedRecords>(records));
  }
  void pass(Duration time) {
    clock.advance(time);
    coordinator.expire();
  }
};

TEST_F(CoordinatorTest, AnIdThatNobodyHasIsForgottenInTheEnd) {
  for (int i = 0; i < 1000; ++i) (void)init("gone " + std::to_string(i));
  coordinator.expire();
  EXPECT_EQ(coordinator.ids(), 1000u);
  EXPECT_FALSE(coordinator.next_deadline());  // nothing can begin
  pass(kWeek - 1ms);
  EXPECT_EQ(coordinator.ids(), 1000u);
  (void)init("gone 7");
  pass(1h);
  EXPECT_EQ(coordinator.ids(), 1u);
  pass(kWeek);
  EXPECT_EQ(coordinator.ids(), 0u);
}

TEST_F(CoordinatorTest, AnIdThatAProducerHasStays) {
  const auto seat = init("idle");
  EXPECT_TRUE(coordinator.next_deadline());
  for (int i = 0; i < 10; ++i) pass(kWeek);
  EXPECT_EQ(coordinator.ids(), 1u);
  EXPECT_TRUE(Coordinator::is_current(seat));
}

TEST_F(CoordinatorTest, AnIdWithATransactionStaysUntilThatIsSettled) {
  append(init("left open"));
  EXPECT_EQ(coordinator.next_deadline(), clock.monotonic() + Duration(1000));
  pass(kWeek);  // its time-out ends the transaction; its end is not written yet
  pass(kWeek);
  EXPECT_EQ(coordinator.ids(), 1u);
  auto ended = coordinator.choose(1000);
  ASSERT_EQ(ended.size(), 1u);
  coordinator.settle(ended);
  ended.clear();
  pass(1h);
  EXPECT_EQ(coordinator.ids(), 0u);
}

TEST_F(CoordinatorTest, WhoeverComesAgainAfterwardsStartsAnew) {
  (void)init("again");
  pass(kWeek);
  pass(1h);
  const auto seat = init("again");
  append(seat);
  EXPECT_TRUE(coordinator.commit(seat, {}, {}, {&inbox, Epoch(1), OperationId(2)}).ok());
}

}  // namespace
}  // namespace millrace::log::journal
