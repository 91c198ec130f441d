// Records: what is written comes back as it was.
#include <random>

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
  const TopicPartition where = partition();
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  const std::int64_t stamps[] = {1, 1'600'000'000'123, 5, 1'600'000'000'124};
  for (const std::int64_t ms : stamps)
    out.send(where, {.value = BytesView("v"), .timestamp = from_ms(ms)});
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(4);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(to_ms(in.rows[i].timestamp), stamps[i]);
}

TEST_P(LogConformance, TimeZeroIsKeptOrMovesByAMillisecond) {
  // A record of 1970-01-01T00:00:00.000 is never stamped with the clock. (May: a millisecond
  // later.)
  const TopicPartition where = partition();
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
  const Headers headers{
      {"a", "1"}, {"b", std::nullopt}, {"a", "2"}, {"c", ""}, {"bytes", std::string("\0\xff", 2)}};
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

// Bytes that no codec makes smaller.
std::string noise(std::size_t size) {
  std::mt19937_64 random(7);
  std::string bytes;
  while (bytes.size() < size) bytes.push_back(static_cast<char>(random()));
  return bytes;
}

TEST_P(LogConformance, FlushSaysWhatWasWritten) {
  // FlushDone names, for each partition, the offsets of the first and last record of the
  // transaction.
  const std::string name = topic(3);
  Writer& out = writer();
  out.commit_values({name, Partition(0)}, {"earlier"});
  ASSERT_TRUE(out.begin().ok());
  for (int i = 0; i < 5; ++i) out.send({name, Partition(0)}, "zero");
  ASSERT_TRUE(out.flush().ok());
  out.send({name, Partition(0)}, "zero");
  out.send({name, Partition(2)}, "two");
  ASSERT_TRUE(out.flush().ok());
  const std::vector<WrittenRange> written = out.written;
  ASSERT_TRUE(out.commit().ok());
  ASSERT_EQ(written.size(), 2u);
  for (const WrittenRange& range : written) {
    const bool zero = range.where.partition == Partition(0);
    Tail& in = read(range.where);
    in.until_rows(zero ? 7 : 1);
    EXPECT_EQ(range.first, in.rows[zero ? 1 : 0].offset);
    EXPECT_EQ(range.last, in.rows.back().offset);
  }
}

TEST_P(LogConformance, TwentyThousandRecordsInATransaction) {
  // A large transaction arrives whole and in order.
  const TopicPartition where = partition();
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  const std::string filler(100, 'x');
  for (int i = 0; i < 20'000; ++i) out.send(where, std::to_string(i) + filler);
  ASSERT_TRUE(out.flush().ok());
  ASSERT_EQ(out.written.size(), 1u);
  EXPECT_EQ(out.written[0].last - out.written[0].first, 19'999);
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(20'000);
  for (std::size_t i = 0; i < 20'000; ++i) {
    ASSERT_EQ(in.rows[i].offset, Offset(static_cast<std::int64_t>(i)));
    ASSERT_EQ(in.rows[i].value, std::to_string(i) + filler);
  }
}

TEST_P(LogConformance, ARecordNearTheLimitIsKept) {
  // A record of almost max.message.bytes arrives unharmed, with small ones before and behind it.
  const TopicPartition where = partition();
  const std::string large = noise(1'040'000);
  writer().commit_values(where, {"before", large, "behind"});
  EXPECT_THAT(all(where), ElementsAre("before", large, "behind"));
}

TEST_P(LogConformance, ARecordThatIsTooLargeFailsTheTransaction) {
  // Above max.message.bytes: DeliveryFailed, kAbort from flush; another producer of the id goes on.
  const TopicPartition where = partition({{"max.message.bytes", "20000"}});
  const std::string id = unique("producer");
  Writer& out = writer(id);
  ASSERT_TRUE(out.begin().ok());
  out.send(where, noise(30'000));
  EXPECT_TRUE(has_code(out.flush(), Consequence::kAbort));
  ASSERT_FALSE(out.failures.empty());
  EXPECT_EQ(out.failures[0].where, where);
  (void)out.abort();
  out.destroy();
  writer(id).commit_values(where, {"small"});
  EXPECT_THAT(all(where), ElementsAre("small"));
}

TEST_P(LogConformance, ACommitWithAFailedRecordIsRefused) {
  // Whatever the caller makes of DeliveryFailed, the transaction does not commit.
  const TopicPartition where = partition({{"max.message.bytes", "20000"}});
  const std::string id = unique("producer");
  Writer& out = writer(id);
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "small");
  ASSERT_TRUE(out.flush().ok());
  out.send(where, noise(30'000));
  EXPECT_FALSE(out.flush().ok());
  EXPECT_FALSE(out.commit().ok());
  out.destroy();
  writer(id);
  EXPECT_THAT(all(where), testing::IsEmpty());
}

TEST_P(LogConformance, ARecordOfTheFarFutureIsRefusedOrKept) {
  // A log may refuse timestamps far ahead of its clock, as a failed delivery; else it keeps them.
  const TopicPartition where = partition();
  const std::int64_t far = 4'000'000'000'000;  // the year 2096
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  out.send(where, {.value = BytesView("future"), .timestamp = from_ms(far)});
  const Status status = out.flush();
  if (!status.ok()) {
    EXPECT_TRUE(has_code(status, Consequence::kAbort));
    EXPECT_FALSE(out.failures.empty());
    return;
  }
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(1);
  EXPECT_EQ(to_ms(in.rows[0].timestamp), far);
}

TEST_P(LogConformance, ATopicWithoutTimeLimitsKeepsAnyTimestamp) {
  // Internal topics are made with the limits at their maximum: the year 2096 and 1970 are kept.
  const std::string most = "9223372036854775807";
  const TopicPartition where = partition(
      {{"message.timestamp.before.max.ms", most}, {"message.timestamp.after.max.ms", most}});
  Writer& out = writer();
  ASSERT_TRUE(out.begin().ok());
  for (const std::int64_t ms : {std::int64_t{4'000'000'000'000}, std::int64_t{1000}}) {
    out.send(where, {.value = BytesView("v"), .timestamp = from_ms(ms)});
  }
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(2);
  EXPECT_EQ(to_ms(in.rows[0].timestamp), 4'000'000'000'000);
  EXPECT_EQ(to_ms(in.rows[1].timestamp), 1000);
}

TEST_P(LogConformance, AMissingTopicCannotBeWritten) {
  // No such topic: DeliveryFailed, kAbort from flush.
  Writer& out = writer();
  const TopicPartition where{unique("missing"), Partition(0)};
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "lost");
  EXPECT_TRUE(has_code(out.flush(), Consequence::kAbort));
  ASSERT_FALSE(out.failures.empty());
  EXPECT_EQ(out.failures[0].where, where);
}

TEST_P(LogConformance, AMissingPartitionCannotBeWritten) {
  // A partition that the topic does not have: DeliveryFailed, kAbort from flush.
  Writer& out = writer();
  const TopicPartition where{topic(2), Partition(2)};
  ASSERT_TRUE(out.begin().ok());
  out.send(where, "lost");
  EXPECT_TRUE(has_code(out.flush(), Consequence::kAbort));
  ASSERT_FALSE(out.failures.empty());
  EXPECT_EQ(out.failures[0].where, where);
}

TEST_P(LogConformance, AProducerKnowsATopicByOneHandle) {
  // topic() gives the same handle for the same name, another for another.
  const std::string one = topic(), two = topic();
  Writer& out = writer();
  EXPECT_EQ(out->topic(one), out->topic(one));
  EXPECT_NE(out->topic(one), out->topic(two));
}

TEST_P(LogConformance, SentBytesAreCopied) {
  // send() copies: what it was given may change at once.
  const TopicPartition where = partition();
  Writer& out = writer();
  std::string key = "key", value = "value";
  Headers headers{{"h", "1"}};
  ASSERT_TRUE(out.begin().ok());
  out.send(where, {.key = BytesView(key),
                   .value = BytesView(value),
                   .timestamp = from_ms(1),
                   .headers = &headers});
  key = "xxx";
  value = "yyyyy";
  headers.clear();
  ASSERT_TRUE(out.flush().ok());
  ASSERT_TRUE(out.commit().ok());
  Tail& in = read(where);
  in.until_rows(1);
  EXPECT_EQ(in.rows[0].key, "key");
  EXPECT_EQ(in.rows[0].value, "value");
  EXPECT_EQ(in.rows[0].headers, (Headers{{"h", "1"}}));
}

}  // namespace
}  // namespace millrace::conformance
