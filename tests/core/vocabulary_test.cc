// The small types that everything is written in: ids, headers, clocks, statuses, records.
#include <gtest/gtest.h>

#include <chrono>
#include <type_traits>
#include <unordered_set>

#include "millrace/clock.h"
#include "millrace/detail/assert.h"
#include "millrace/error.h"
#include "millrace/headers.h"
#include "millrace/ids.h"
#include "millrace/record.h"
#include "millrace/result.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

TEST(Ids, DoNotTurnIntoOneAnotherOrIntegers) {
  // An offset is never passed where a partition is meant.
  static_assert(!std::is_convertible_v<Offset, std::int64_t>);
  static_assert(!std::is_convertible_v<std::int64_t, Offset>);
  static_assert(!std::is_constructible_v<Offset, Partition>);
  static_assert(!std::is_constructible_v<Partition, Offset>);
  EXPECT_EQ(static_cast<std::int64_t>(Offset(41) + 1), 42);
}

TEST(Ids, MoveAndCompare) {
  // Offsets are a line: they move by integers, and the way between two is an integer.
  Offset at(7);
  EXPECT_EQ(++at, Offset(8));
  EXPECT_EQ(at - 3, Offset(5));
  EXPECT_EQ(at - Offset(5), 3);
  EXPECT_LT(kNoOffset, Offset(0));
  EXPECT_LT((TopicPartition{"a", Partition(9)}), (TopicPartition{"b", Partition(0)}));
  EXPECT_LT((TaskId{0, Partition(9)}), (TaskId{1, Partition(0)}));
}

TEST(Ids, HaveTheTextOfKafkaStreams) {
  // What people know from Kafka's logs.
  EXPECT_EQ(to_string(TopicPartition{"orders", Partition(3)}), "orders-3");
  EXPECT_EQ(to_string(TaskId{1, Partition(0)}), "1_0");
}

TEST(Ids, HashApart) {
  // Partitions of one topic are different keys.
  std::unordered_set<TopicPartition> set;
  for (std::int32_t i = 0; i < 100; ++i) set.insert({"orders", Partition(i)});
  EXPECT_EQ(set.size(), 100u);
  EXPECT_TRUE(set.contains({"orders", Partition(7)}));
}

TEST(Headers, KeepOrderRepetitionsAndNull) {
  // As on the wire: a name may repeat, a null value is not an empty one.
  Headers headers = {{"a", "1"}, {"b", std::nullopt}};
  headers.add("a", "");
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers.begin()->value, "1");
  ASSERT_NE(headers.last("a"), nullptr);
  EXPECT_EQ(headers.last("a")->value, "");
  EXPECT_EQ(headers.last("b")->value, std::nullopt);
  EXPECT_EQ(headers.last("c"), nullptr);
  EXPECT_NE(headers, (Headers{{"a", "1"}, {"a", ""}, {"b", std::nullopt}}));
}

TEST(Headers, RemoveEveryHeaderOfAName) {
  // No earlier header of the name comes to light.
  Headers headers = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  headers.remove("a");
  EXPECT_EQ(headers, (Headers{{"b", "2"}}));
  headers.clear();
  EXPECT_TRUE(headers.empty());
  EXPECT_EQ(headers, Headers::none());
}

TEST(Clocks, ManualMovesOnlyWhenTold) {
  // Tests own time.
  ManualClock clock(from_ms(1000));
  const Duration before = clock.monotonic();
  EXPECT_EQ(clock.now(), from_ms(1000));
  clock.advance(10s);
  EXPECT_EQ(clock.now(), from_ms(11'000));
  EXPECT_EQ(clock.monotonic() - before, 10s);
}

TEST(Clocks, SystemTellsTheTimeAndNeverGoesBack) {
  // now() is the wall clock in whole milliseconds, monotonic() does not fall.
  const Clock& clock = SystemClock::instance();
  const Duration first = clock.monotonic();
  const auto difference = std::chrono::system_clock::now() - clock.now();
  EXPECT_GE(difference, 0s);
  EXPECT_LT(difference, 60s);
  EXPECT_GE(clock.monotonic(), first);
}

TEST(Status, SaysWhatMayBeDone) {
  // Every failure carries its consequence and its message; success carries neither.
  EXPECT_TRUE(Status::success().ok());
  EXPECT_EQ(Status().consequence(), Consequence::kNone);
  const Status fenced = Status::fenced("newer epoch");
  EXPECT_FALSE(fenced.ok());
  EXPECT_EQ(fenced.consequence(), Consequence::kFenced);
  EXPECT_EQ(fenced.message(), "newer epoch");
  EXPECT_EQ(Status::retry("").consequence(), Consequence::kRetry);
  EXPECT_EQ(Status::abort("").consequence(), Consequence::kAbort);
  EXPECT_EQ(Status::unknown("").consequence(), Consequence::kUnknown);
  EXPECT_EQ(Status::fatal("").consequence(), Consequence::kFatal);
}

TEST(Status, ConsequencesHaveDifferentNames) {
  // A log line tells them apart.
  std::unordered_set<std::string_view> names;
  for (const auto c : {Consequence::kNone, Consequence::kRetry, Consequence::kAbort,
                       Consequence::kFenced, Consequence::kUnknown, Consequence::kFatal}) {
    names.insert(to_string(c));
  }
  EXPECT_EQ(names.size(), 6u);
  EXPECT_FALSE(names.contains("?"));
}

TEST(Result, HoldsAValueOrTheReason) {
  // One of the two, also where the value is moved out.
  Result<std::string> good = std::string("bytes");
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(good.status().ok());
  EXPECT_EQ(std::move(good.value()), "bytes");
  const Result<std::string> bad = Status::retry("later");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.status().message(), "later");
}

TEST(Errors, AreOneFamilyWithCodes) {
  // One catch clause holds everything that millrace throws.
  try {
    throw StoreUnavailable("restoring");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kStoreUnavailable);
    EXPECT_STREQ(e.what(), "restoring");
  }
  EXPECT_EQ(SerdeError("").code(), ErrorCode::kSerde);
  EXPECT_EQ(TopologyError("").code(), ErrorCode::kTopology);
  EXPECT_EQ(ConfigError("").code(), ErrorCode::kConfig);
  EXPECT_EQ(TopicError("").code(), ErrorCode::kTopic);
  EXPECT_EQ(StoppedError("").code(), ErrorCode::kStopped);
}

TEST(RecordContext, ForgetsTheOldKeysBytesWithTheKey) {
  // A changed key must never be stored under the bytes of the old one.
  RecordContext context;
  context.key_bytes = {"old", &context};
  context.timestamp = from_ms(5);
  const RecordContext rekeyed = context.with_new_key();
  EXPECT_TRUE(rekeyed.key_bytes.bytes.empty());
  EXPECT_EQ(rekeyed.key_bytes.serde, nullptr);
  EXPECT_EQ(rekeyed.timestamp, from_ms(5));
  EXPECT_EQ(context.with_timestamp(from_ms(6)).key_bytes.bytes, "old");
}

TEST(RecordTypes, BorrowedRecordsCannotBeKept) {
  // A Record is valid for one call; it cannot be copied out of it.
  using Borrowed = Record<std::string, int>;
  static_assert(!std::is_copy_constructible_v<Borrowed> && !std::is_copy_assignable_v<Borrowed>);
  const RecordView nothing;
  EXPECT_EQ(nothing.key, std::nullopt);
  EXPECT_EQ(nothing.timestamp, kNoTimestamp);
  EXPECT_TRUE(nothing.headers->empty());
}

TEST(AssertDeathTest, StaysOnInReleaseAndSaysWhat) {
  // A broken invariant ends the program with place, condition and words.
  MILLRACE_ASSERT(1 + 1 == 2, "not reached");
  EXPECT_DEATH(MILLRACE_ASSERT(1 + 1 == 3, "arithmetic is gone"),
               "vocabulary_test.cc:[0-9]+: .*bug in millrace: arithmetic is gone .1 . 1 == 3");
}

}  // namespace
}  // namespace millrace
