#include "millrace/detail/source_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "streams/node/sample_nodes.h"

namespace millrace::graph {
namespace {

using ::testing::AllOf;
using testing::context_at;
using ::testing::HasSubstr;
using testing::Text;
using Decoded = SourceSlot::Decoded;
using MaybeText = std::optional<Text>;

// A child that keeps what it gets.
template <class K, class V>
class KeepNode final : public Input<K, V> {
 public:
  Node* clone() const override { return new KeepNode(*this); }
  void process(const K& k, const V& v, const RecordContext&) override {
    key = k;
    value = v;
  }
  K key{};
  V value{};
};

template <class K, class V>
SourceNode<K, V> source(NullPolicy on_null = NullPolicy::kSkip,
                        TimestampExtractorFunction<K, V> timestamp = {}) {
  return SourceNode<K, V>({default_serde<K>(), default_serde<V>(), std::move(timestamp), on_null});
}

RecordView record(OptionalBytesView key, OptionalBytesView value) { return {key, value, {}, {}}; }

template <class Error, class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(SourceNode, DecodesAndProcesses) {
  // Key and value reach the children as their types.
  auto node = source<Text, std::int64_t>();
  KeepNode<Text, std::int64_t> child;
  node.connect(child);
  const auto slot = node.make_slot();
  RecordContext context = context_at(5);
  const Bytes value("\0\0\0\0\0\0\0\7", 8);

  EXPECT_EQ(slot->decode(record("k", value), context, kNoTimestamp), Decoded::kReady);
  EXPECT_EQ(context.timestamp, from_ms(5));
  slot->process(context);
  EXPECT_EQ(child.key, "k");
  EXPECT_EQ(child.value, 7);
}

TEST(SourceNode, SlotsDoNotShareRecords) {
  // Each partition has a decoded head of its own.
  auto node = source<Text, Text>();
  KeepNode<Text, Text> child;
  node.connect(child);
  const auto first = node.make_slot(), second = node.make_slot();
  RecordContext context = context_at(5);
  first->decode(record("a", "1"), context, kNoTimestamp);
  second->decode(record("b", "2"), context, kNoTimestamp);
  first->process(context);
  EXPECT_EQ(child.key, "a");
  second->process(context);
  EXPECT_EQ(child.key, "b");
}

TEST(SourceNode, SkipsNullsThatTheTypesCannotHold) {
  // The default policy; the key is looked at first.
  auto node = source<Text, Text>();
  const auto slot = node.make_slot();
  RecordContext context = context_at(5);
  EXPECT_EQ(slot->decode(record({}, "v"), context, kNoTimestamp), Decoded::kNullKey);
  EXPECT_EQ(slot->decode(record("k", {}), context, kNoTimestamp), Decoded::kNullValue);
  EXPECT_EQ(slot->decode(record({}, {}), context, kNoTimestamp), Decoded::kNullKey);
  EXPECT_EQ(slot->decode(record("", ""), context, kNoTimestamp), Decoded::kReady);
}

TEST(SourceNode, FailsOnNullsWhereThePolicySaysSo) {
  // The sentence names what is null, where the record is, and what to do.
  auto node = source<Text, Text>(NullPolicy::kFail);
  const auto slot = node.make_slot();
  RecordContext context = context_at(5);
  EXPECT_EQ(error_of<SerdeError>([&] { slot->decode(record({}, "v"), context, kNoTimestamp); }),
            "millrace: in-3@42 has a null key, and the source's on_null says to fail: let it skip "
            "such records, or read the topic with a type that can be null, such as std::optional");
  EXPECT_THAT(error_of<SerdeError>([&] { slot->decode(record("k", {}), context, kNoTimestamp); }),
              HasSubstr("in-3@42 has a null value"));
}

TEST(SourceNode, TypesThatHoldNullGetIt) {
  // std::optional and NoKey read every payload; the last record's value does not shine through.
  auto node = source<NoKey, MaybeText>(NullPolicy::kFail);
  KeepNode<NoKey, MaybeText> child;
  node.connect(child);
  const auto slot = node.make_slot();
  RecordContext context = context_at(5);
  EXPECT_EQ(slot->decode(record("ignored", "v"), context, kNoTimestamp), Decoded::kReady);
  slot->process(context);
  EXPECT_EQ(child.value, "v");
  EXPECT_EQ(slot->decode(record({}, {}), context, kNoTimestamp), Decoded::kReady);
  slot->process(context);
  EXPECT_EQ(child.value, std::nullopt);
}

TEST(SourceNode, ANegativeTimestampStops) {
  // Without an extractor there is no time to go by, and silence would lose the record.
  auto node = source<Text, Text>();
  const auto slot = node.make_slot();
  RecordContext context = context_at(-1);
  EXPECT_EQ(
      error_of<StoppedError>([&] { slot->decode(record("k", "v"), context, kNoTimestamp); }),
      "millrace: in-3@42 has the timestamp -1 ms, which is no time: give the source a .timestamp "
      "that finds one in the record, or one that skips such records");
}

TEST(SourceNode, TheExtractorDecides) {
  // It sees the typed record and its partition's time, repairs what is negative, and may answer a
  // negative time, which the task takes for "skip".
  std::string seen;
  auto node = source<Text, Text>(NullPolicy::kSkip, [&seen](const Text& key, const Text& value,
                                                            const RecordContext& context,
                                                            Timestamp time) {
    seen = key + value + std::to_string(context.offset.value()) + '/' + std::to_string(to_ms(time));
    return value == "bad" ? kNoTimestamp : from_ms(77);
  });
  const auto slot = node.make_slot();
  RecordContext context = context_at(-1);
  EXPECT_EQ(slot->decode(record("k", "v"), context, from_ms(70)), Decoded::kReady);
  EXPECT_EQ(context.timestamp, from_ms(77));
  EXPECT_EQ(seen, "kv42/70");
  EXPECT_EQ(slot->decode(record("k", "bad"), context, from_ms(70)), Decoded::kReady);
  EXPECT_EQ(context.timestamp, kNoTimestamp);
}

TEST(SourceNode, WhatAnExtractorOrSerdeThrowsPasses) {
  // Errors of a source carry no node's name: nothing ran yet.
  auto node = source<Text, std::int64_t>();
  const auto slot = node.make_slot();
  RecordContext context = context_at(5);
  EXPECT_THROW(slot->decode(record("k", "short"), context, kNoTimestamp), SerdeError);

  auto failing = source<Text, Text>(NullPolicy::kSkip,
                                    [](const Text&, const Text&, const RecordContext&,
                                       Timestamp) -> Timestamp { throw std::domain_error("no"); });
  const auto failing_slot = failing.make_slot();
  EXPECT_THROW(failing_slot->decode(record("k", "v"), context, kNoTimestamp), std::domain_error);
}

TEST(SourceNode, KeyBytesTravelWithTheirSerde) {
  // ENGINE §11: bytes and identity of the record's own key, never those of the record before it.
  auto node = source<Text, Text>();
  const auto slot = node.make_slot();
  RecordContext context = context_at(5);
  slot->decode(record("k", "v"), context, kNoTimestamp);
  EXPECT_EQ(context.key_bytes.bytes, "k");
  EXPECT_EQ(context.key_bytes.serde, default_serde<Text>().identity());
  EXPECT_NE(context.key_bytes.serde, nullptr);

  auto nullable = source<MaybeText, Text>();
  nullable.make_slot()->decode(record({}, "v"), context, kNoTimestamp);
  EXPECT_EQ(context.key_bytes.bytes, "");
  EXPECT_EQ(context.key_bytes.serde, nullptr);
}

}  // namespace
}  // namespace millrace::graph
