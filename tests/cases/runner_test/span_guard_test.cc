// Which input steps may wait in the log together.
#include "cases/runner/span_guard.h"

#include <gtest/gtest.h>

namespace millrace::cases {
namespace {

using Before = SpanGuard::Before;

InputStep record(const char* topic, std::int64_t timestamp) {
  return {.topic = topic, .timestamp = timestamp};
}
InputStep clock() { return {.advance_wall_clock_ms = 5}; }

TEST(SpanGuard, RecordsOfOneTopicMayWaitTogether) {
  for (const bool has_internal_topics : {false, true}) {
    SpanGuard guard(has_internal_topics);
    EXPECT_EQ(guard.before(record("a", 5)), Before::kNothing);
    EXPECT_EQ(guard.before(record("a", 3)), Before::kNothing);
    EXPECT_EQ(guard.before(record("a", 9)), Before::kNothing);
  }
}

TEST(SpanGuard, ALaterRecordOfAnotherTopicOnlyComesAfterwards) {
  SpanGuard guard(false);
  guard.before(record("a", 5));
  guard.before(record("a", 3));
  EXPECT_EQ(guard.before(record("b", 6)), Before::kTaken);
  EXPECT_EQ(guard.before(record("a", 7)), Before::kTaken);
  EXPECT_EQ(guard.before(record("c", 8)), Before::kTaken);
}

TEST(SpanGuard, AnEarlierOrEquallyOldOneOfAnotherTopicCouldOvertake) {
  SpanGuard guard(false);
  guard.before(record("a", 5));
  guard.before(record("a", 3));
  EXPECT_EQ(guard.before(record("b", 5)), Before::kCommitted);
  // a is forgotten, b is not.
  EXPECT_EQ(guard.before(record("b", 1)), Before::kNothing);
  EXPECT_EQ(guard.before(record("a", 4)), Before::kCommitted);
}

TEST(SpanGuard, WhatComesThroughInternalTopicsIsOvertakenByAnyOtherTopic) {
  SpanGuard guard(true);
  guard.before(record("a", 5));
  EXPECT_EQ(guard.before(record("b", 6)), Before::kCommitted);
  EXPECT_EQ(guard.before(record("b", 6)), Before::kNothing);
}

TEST(SpanGuard, TheWallClockMovesBetweenTransactions) {
  SpanGuard guard(false);
  guard.before(record("a", 5));
  EXPECT_EQ(guard.before(clock()), Before::kCommitted);
  EXPECT_EQ(guard.before(record("a", 6)), Before::kCommitted);
  EXPECT_EQ(guard.before(record("a", 6)), Before::kNothing);
}

}  // namespace
}  // namespace millrace::cases
