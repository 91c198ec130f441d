// Records: what is written comes back as it was.
#include "conformance/log_conformance.h"

namespace millrace::conformance {
namespace {

using testing::ElementsAre;

TEST_P(LogConformance, NullAndEmptyAreDifferent) {
  // A null key, a null value, an empty key and an empty value come back as they were.
  const TopicPartition where = partition();
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  const OptionalBytesView none = std::nullopt, empty = BytesView(""), some = BytesView("x");
  for (const OptionalBytesView& key : {none, empty, some}) {
    for (const OptionalBytesView& value : {none, empty, some}) {
      out.send(where, {.key = key, .value = value, .timestamp = from_ms(1)});
    }
  }
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(9);
  std::size_t i = 0;
  for (const OptionalBytesView& key : {none, empty, some}) {
    for (const OptionalBytesView& value : {none, empty, some}) {
      EXPECT_EQ(in.rows[i].key, key) << i;
      EXPECT_EQ(in.rows[i].value, value) << i;
      ++i;
    }
  }
}

TEST_P(LogConformance, TimestampsAreKept) {
  // The producer's timestamp comes back to the millisecond, old ones and disorder included.
  const TopicPartition where = partition({{"retention.ms", "-1"}});
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  const std::int64_t stamps[] = {1, 1'600'000'000'123, 5, 1'600'000'000'124};
  for (const std::int64_t ms : stamps) out.send(where, {.value = BytesView("v"), .timestamp = from_ms(ms)});
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(4);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(to_ms(in.rows[i].timestamp), stamps[i]);
}

TEST_P(LogConformance, TimeZeroIsKeptOrMovesByAMillisecond) {
  // A record of 1970-01-01T00:00:00.000 is never stamped with the clock. (May: a millisecond later.)
  const TopicPartition where = partition({{"retention.ms", "-1"}});
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  out.send(where, {.value = BytesView("v"), .timestamp = from_ms(0)});
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(1);
  EXPECT_LE(to_ms(in.rows[0].timestamp), 1);
}

TEST_P(LogConformance, HeadersAreKept) {
  // Headers keep their order, repeated names, and the difference of null and empty values.
  const TopicPartition where = partition();
  const Headers headers{{"a", "1"}, {"b", std::nullopt}, {"a", "2"}, {"c", ""}, {"bytes", std::string("\0\xff", 2)}};
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  out.send(where, {.value = BytesView("with"), .timestamp = from_ms(1), .headers = &headers});
  out.send(where, {.value = BytesView("without"), .timestamp = from_ms(1)});
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(2);
  EXPECT_EQ(in.rows[0].headers, headers);
  EXPECT_TRUE(in.rows[1].headers.empty());
}

}  // namespace
}  // namespace millrace::conformance
