#include "millrace/detail/sink_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "streams/node/sample_nodes.h"

namespace millrace::graph {
namespace {

using namespace std::chrono_literals;
using testing::context_at;
using testing::FakeContext;
using testing::Text;
using MaybeText = std::optional<Text>;

template <class K, class V>
SinkOptions<K, V> to(std::string topic) {
  return {std::move(topic), default_serde<K>(), default_serde<V>(), {}, false};
}

template <class Error, class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(SinkNode, SendsBytesTimeAndTopic) {
  // The record's own timestamp; a null value is a null payload, not an empty one.
  FakeContext context;
  SinkNode<Text, MaybeText> sink(to<Text, MaybeText>("out"));
  sink.init(context);
  sink.process("k", "v", context_at(7));
  sink.process("k", "", context_at(8));
  sink.process("k", std::nullopt, context_at(9));

  ASSERT_EQ(context.sent.size(), 3u);
  EXPECT_EQ(context.sent[0].topic, "out");
  EXPECT_EQ(context.sent[0].key, "k");
  EXPECT_EQ(context.sent[0].value, "v");
  EXPECT_EQ(context.sent[0].timestamp, 7);
  EXPECT_EQ(context.sent[1].value, "");
  EXPECT_EQ(context.sent[2].value, std::nullopt);
}

TEST(SinkNode, ChoosesThePartitionAsJavaDoes) {
  // SEMANTICS §3.10: murmur2 of the key's bytes.
  FakeContext context(10);
  SinkNode<Text, Text> sink(to<Text, Text>("out"));
  sink.init(context);
  const std::vector<std::pair<Text, int>> golden = {
      {"", 1}, {"a", 4}, {"k", 2}, {"key", 1}, {"hello", 9}, {"kafka-streams", 3}, {"foobar", 6}};
  for (const auto& [key, partition] : golden) {
    sink.process(key, "v", context_at(1));
    EXPECT_EQ(context.sent.back().partition, Partition(partition)) << key;
  }
}

TEST(SinkNode, WindowedKeysGoByTheirInnerKey) {
  // All windows of a key meet in one partition, the one of the key itself.
  using Key = Windowed<Text>;
  FakeContext context(10);
  SinkNode<Key, Text> sink(
      {"out", time_windowed_serde<Text>(1min), default_serde<Text>(), {}, false});
  sink.init(context);
  for (const std::int64_t start : {0, 60'000, 120'000}) {
    sink.process({"hello", {from_ms(start), from_ms(start + 60'000)}}, "v", context_at(1));
    EXPECT_EQ(context.sent.back().partition, Partition(9));
    EXPECT_EQ(context.sent.back().key->size(), 5u + 8u);
  }
}

TEST(SinkNode, KeylessRecordsStickToOnePartitionPerTask) {
  // Always the same partition, so that a replay repeats it; another one for another task.
  for (const std::int32_t task : {0, 2, 12}) {
    FakeContext context(10, {0, Partition(task)});
    SinkNode<NoKey, Text> sink(to<NoKey, Text>("out"));
    sink.init(context);
    for (int i = 0; i < 3; ++i) {
      sink.process({}, "v", context_at(i));
      EXPECT_EQ(context.sent.back().partition, Partition(task % 10));
      EXPECT_EQ(context.sent.back().key, std::nullopt);
    }
  }
}

TEST(SinkNode, TheUsersPartitionerComesFirst) {
  // Its choice, for keyless records too; no opinion means the default.
  FakeContext context(10);
  auto options = to<MaybeText, Text>("out");
  std::int32_t told = 0;
  options.partitioner = [&told](const MaybeText&, const Text& value,
                                std::int32_t partitions) -> std::optional<Partition> {
    told = partitions;
    if (value == "default") return std::nullopt;
    return Partition(5);
  };
  SinkNode<MaybeText, Text> sink(options);
  sink.init(context);
  sink.process("hello", "chosen", context_at(1));
  EXPECT_EQ(context.sent.back().partition, Partition(5));
  EXPECT_EQ(told, 10);
  sink.process(std::nullopt, "chosen", context_at(1));
  EXPECT_EQ(context.sent.back().partition, Partition(5));
  sink.process("hello", "default", context_at(1));
  EXPECT_EQ(context.sent.back().partition, Partition(9));
}

TEST(SinkNode, APartitionThatIsNotThereIsAnError) {
  // One sentence: what was chosen, what there is, what to do. Nothing is sent.
  for (const std::int32_t chosen : {-1, 10}) {
    FakeContext context(10);
    auto options = to<Text, Text>("out");
    options.partitioner = [chosen](const Text&, const Text&, std::int32_t) {
      return Partition(chosen);
    };
    SinkNode<Text, Text> sink(options);
    sink.init(context);
    EXPECT_EQ(error_of<TopicError>([&] { sink.process("k", "v", context_at(1)); }),
              "millrace: the partitioner chose partition " + std::to_string(chosen) +
                  " of a topic that has 10: answer 0 to 9, or std::nullopt for the default choice");
    EXPECT_TRUE(context.sent.empty());
  }
}

TEST(SinkNode, ANegativeTimestampIsAnError) {
  // Only a processor can forward one; a broker would take it for "none".
  FakeContext context;
  SinkNode<Text, Text> sink(to<Text, Text>("out"));
  sink.init(context);
  EXPECT_EQ(error_of<SerdeError>([&] { sink.process("k", "v", context_at(-1)); }),
            "millrace: a record with the timestamp -1 ms cannot be written: forward it with a "
            "timestamp of 0 or later");
}

TEST(SinkNode, ARepartitionDropsAndCountsNullKeys) {
  // R-RP2; unlike Kafka Streams not silently. A user's topic keeps them.
  FakeContext context;
  auto options = to<MaybeText, Text>("by-city-repartition");
  options.repartition = true;
  SinkNode<MaybeText, Text> sink(options);
  sink.set_name("by-city-repartition-sink");
  sink.init(context);
  sink.process(std::nullopt, "v", context_at(1));
  EXPECT_TRUE(context.sent.empty());
  EXPECT_EQ(context.dropped("by-city-repartition-sink/null_key_repartition"), 1);
  sink.process("k", "v", context_at(1));
  EXPECT_EQ(context.sent.size(), 1u);
}

TEST(SinkNode, ARepartitionKeepsNullKeysForAJoinThatAnswersThem) {
  // KIP-962: a left join below gives such records their answer.
  FakeContext context;
  context.keep_null_keys = true;
  auto options = to<MaybeText, Text>("by-city-repartition");
  options.repartition = true;
  SinkNode<MaybeText, Text> sink(options);
  sink.init(context);
  sink.process(std::nullopt, "v", context_at(1));
  ASSERT_EQ(context.sent.size(), 1u);
  EXPECT_EQ(context.sent[0].key, std::nullopt);
}

// Writes its number before the text, so that bytes tell who wrote them.
template <char kMark>
struct MarkedSerde {
  void serialize(const Text& value, Bytes& out) const { out.append(1, kMark).append(value); }
  void deserialize(BytesView in, Text& value) const { value.assign(in.substr(1)); }
};

TEST(SinkNode, UsesTheKeysOwnBytesOnlyIfItsSerdeWroteThem) {
  // ENGINE §11: bytes travel with the identity of their serde.
  FakeContext context;
  SinkOptions<Text, Text> options = to<Text, Text>("out");
  options.key_serde = MarkedSerde<'1'>{};
  SinkNode<Text, Text> sink(options);
  sink.init(context);

  RecordContext record = context_at(1);
  record.key_bytes = {"1as-read", AnySerde<Text>(MarkedSerde<'1'>{}).identity()};
  sink.process("key", "v", record);
  EXPECT_EQ(context.sent.back().key, "1as-read");

  record.key_bytes.serde = AnySerde<Text>(MarkedSerde<'2'>{}).identity();
  sink.process("key", "v", record);
  EXPECT_EQ(context.sent.back().key, "1key");

  record.key_bytes.serde = nullptr;
  sink.process("key", "v", record);
  EXPECT_EQ(context.sent.back().key, "1key");
}

}  // namespace
}  // namespace millrace::graph
