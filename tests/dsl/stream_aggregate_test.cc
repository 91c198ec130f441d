// Aggregates of streams, without windows, give what Kafka Streams gives, and leave in store and
// changelog what it leaves there (SEMANTICS §2.9 R-KT7, §2.2 R-H and R-N, §3.5).
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "dsl/trace.h"
#include "millrace/dsl.h"
#include "millrace/key_value_store.h"

namespace millrace {
namespace {

using testing::DecimalSerde;
using testing::expect_trace;
using testing::FakeTask;
using testing::pipe_line;
using testing::Text;

const Topic<Text, std::optional<std::int64_t>> kCounts("o", {.value = DecimalSerde{}});

Text plus(Text aggregate, const Text& value) {
  return Text(aggregate.shown() + "+" + value.shown());
}
Text folded(const Text& value, Text aggregate) { return plus(std::move(aggregate), value); }

TEST(StreamAggregate, CountCarriesTheHeadersOfTheRecord) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I").group_by_key().count("counts").to_stream().to(kCounts);
  expect_trace(*builder.graph(), R"(
    I:k=a@1 h1 -> (k,1)@1 hdr=h1
    I:k=b@2 h2 -> (k,2)@2 hdr=h2
  )");
}

TEST(StreamAggregate, ReduceSkipsNullValues) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I").group_by_key().reduce("sums", plus).to_stream().to("o");
  expect_trace(*builder.graph(), R"(
    I:A=1@10 -> (A,1)@10
    I:A=2@5 -> (A,1+2)@10
    I:A=null@20 I:B=1@30 -> (B,1)@30
  )");
}

TEST(StreamAggregate, AReducersNullDeletes) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .reduce("sums",
              [](Text aggregate, const Text& value) {
                return value.chars == "del" ? Text::none() : plus(std::move(aggregate), value);
              })
      .to_stream()
      .to("o");
  expect_trace(*builder.graph(), R"(
    I:A=1@10 -> (A,1)@10
    I:A=del@11 -> (A,null)@11
    I:A=2@5 -> (A,2)@5
    I:A=del@6 -> (A,null)@6
    I:A=del@7 -> (A,del)@7
  )");
}

constexpr auto kAdderTrace = R"(
    I:A=1@10 -> (A,0+1)@10
    I:A=2@5 -> (A,0+1+2)@10
    I:A=del@20 -> (A,null)@20
    I:A=3@15 -> (A,0+3)@15
)";

TEST(StreamAggregate, AnAggregatorsNullDeletes) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .aggregate("sums", Text("0"),
                 [](const Text& value, Text aggregate) {
                   return value.chars == "del" ? Text::none() : plus(std::move(aggregate), value);
                 })
      .to_stream()
      .to("o");
  expect_trace(*builder.graph(), kAdderTrace);
}

TEST(StreamAggregate, AnAggregatorsNulloptDeletes) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("I")
      .group_by_key()
      .aggregate(
          "sums", [] { return std::string("0"); },
          [](const std::string&, const std::string& value,
             std::string aggregate) -> std::optional<std::string> {
            if (value == "del") return std::nullopt;
            return aggregate + "+" + value;
          })
      .to_stream()
      .to("o");
  expect_trace(*builder.graph(), kAdderTrace);
}

TEST(StreamAggregate, DropsAndCountsNullKeysAndValues) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I").group_by_key().count("counts").to_stream().to(kCounts);
  FakeTask task(*builder.graph(), testing::Transactions::kAbortThenCommit);
  EXPECT_EQ(pipe_line(task, "I:null=a@1 I:k=null@2 I:k=null@3 I:k=a@4"), "(k,1)@4");
  EXPECT_EQ(task.dropped("counts", graph::DropReason::kNullKey), 1);
  EXPECT_EQ(task.dropped("counts", graph::DropReason::kNullValue), 2);
}

TEST(StreamAggregate, GroupsByAnotherKey) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by("by-value", [](const Text& value) { return value.chars; })
      .count("counts")
      .to_stream()
      .to(Topic<std::string, std::optional<std::int64_t>>("o", {.value = DecimalSerde{}}));
  expect_trace(*builder.graph(), R"(
    I:k=a@1 -> (a,1)@1
    I:k=b@2 -> (b,1)@2
    I:j=a@0 -> (a,2)@1
  )");
}

TEST(StreamAggregate, GroupsByTheKeyThatWasPutInPlace) {
  StreamsBuilder builder;
  builder.stream<NoKey, std::string>("I")
      .select_key([](const std::string& value) { return value.substr(0, 1); })
      .repartition("by-letter")
      .group_by_key()
      .reduce("words", [](std::string all, const std::string& word) { return all + "," + word; })
      .to_stream()
      .to("o");
  expect_trace(*builder.graph(), R"(
    I:null=be@1 -> (b,be)@1
    I:null=to@2 -> (t,to)@2
    I:null=by@3 -> (b,be,by)@3
  )");
}

TEST(StreamAggregate, WritesEachKeyOnceACommitWithItsTime) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .aggregate("sums", Text("0"),
                 [](const Text& value, Text aggregate) {
                   return value.chars == "del" ? Text::none() : plus(std::move(aggregate), value);
                 })
      .to_stream()
      .to("o");
  FakeTask task(*builder.graph(), testing::Transactions::kByHand);
  task.pipe("I", "A", "1", 10);
  task.pipe("I", "A", "2", 5);
  task.pipe("I", "B", "3", 7);
  task.commit();
  ASSERT_EQ(task.changelog("sums").size(), 2u);
  EXPECT_EQ(task.changelog("sums")[0].key, "A");
  EXPECT_EQ(task.changelog("sums")[0].value, "0+1+2");
  EXPECT_EQ(to_ms(task.changelog("sums")[0].timestamp), 10);
  EXPECT_EQ(to_ms(task.changelog("sums")[1].timestamp), 7);

  task.pipe("I", "A", "del", 6);
  task.commit();
  ASSERT_EQ(task.changelog("sums").size(), 3u);
  EXPECT_EQ(task.changelog("sums")[2].value, std::nullopt);
  EXPECT_EQ(to_ms(task.changelog("sums")[2].timestamp), 6) << "that of the record that deleted";
}

TEST(StreamAggregate, AnAbortTakesBackEveryChangeOfATransaction) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .aggregate("sums", Text("0"), folded)
      .to_stream()
      .to("o");
  FakeTask task(*builder.graph(), testing::Transactions::kByHand);
  task.pipe("I", "A", "1", 10);
  task.commit();
  task.pipe("I", "A", "2", 11);
  task.pipe("I", "A", "3", 12);
  task.pipe("I", "B", "1", 13);
  task.abort();
  task.take();
  EXPECT_EQ(pipe_line(task, "I:A=4@11"), "(A,0+1+4)@11");
  EXPECT_EQ(pipe_line(task, "I:B=5@11"), "(B,0+5)@11");
}

TEST(StreamAggregate, AnExceptionLeavesNoTrace) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .reduce("sums",
              [](Text aggregate, const Text& value) {
                if (value.chars == "bad") throw std::domain_error("bad");
                return plus(std::move(aggregate), value);
              })
      .to_stream()
      .to("o");
  FakeTask task(*builder.graph());
  EXPECT_EQ(pipe_line(task, "I:A=1@1"), "(A,1)@1");
  EXPECT_THROW(pipe_line(task, "I:A=bad@2"), graph::NodeError);
  EXPECT_EQ(pipe_line(task, "I:A=2@3"), "(A,1+2)@3");
}

TEST(StreamAggregate, OpensByItsTypedName) {
  constexpr KeyValueStoreName<Text, std::int64_t> name("counts");
  StreamsBuilder builder;
  builder.stream<Text, Text>("I").group_by_key().count(name);
  FakeTask task(*builder.graph());
  pipe_line(task, "I:k=a@1 I:k=b@5 I:j=c@3");
  auto& cells = dynamic_cast<state::KeyValueCells&>(*task.store("counts"));
  const ReadOnlyKeyValueStore<Text, std::int64_t> store(cells, Serde<Text>());
  EXPECT_EQ(store.get("k"), 2);
  EXPECT_EQ(store.get_with_timestamp("k"), (ValueAndTimestamp<std::int64_t>{2, from_ms(5)}));
  EXPECT_EQ(store.get("x"), std::nullopt);
}

// A key serde with a name of its own, to see whose bytes are used.
struct UpperCaseSerde {
  void serialize(const std::string& key, Bytes& out) const {
    for (const char c : key) out.push_back(static_cast<char>(c - 'a' + 'A'));
  }
  void deserialize(BytesView in, std::string& key) const {
    key.clear();
    for (const char c : in) key.push_back(static_cast<char>(c - 'A' + 'a'));
  }
};

TEST(StreamAggregate, SerializesKeysByTheStoresOwnSerde) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("I")
      .group_by_key()
      .reduce("latest", [](std::string, const std::string& newer) { return newer; },
              {.key_serde = UpperCaseSerde{}})
      .to_stream()
      .to("o");
  FakeTask task(*builder.graph());
  EXPECT_EQ(pipe_line(task, "I:k=a@1"), "(k,a)@1");
  EXPECT_EQ(task.changelog("latest").at(0).key, "K");
}

// Q5 (SEMANTICS §6): a brand-new key's old value is not its initial value, so nothing is taken out
// of a group that nothing was put into.
TEST(StreamAggregate, ANewKeyHasNoOldValue) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .count("counts")
      .group_by("by-count",
                [](std::int64_t n) {
                  return KeyValue{std::to_string(n), std::string("x")};
                })
      .count("keys-per-count")
      .to_stream()
      .to(Topic<std::string, std::optional<std::int64_t>>("o", {.value = DecimalSerde{}}));
  expect_trace(*builder.graph(), R"(
    I:a=x@1 -> (1,1)@1
    I:b=x@2 -> (1,2)@2
    I:a=x@3 -> (1,1)@3, (2,1)@3
  )");
}

TEST(StreamAggregate, TellsOldValuesWithinATransaction) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .count("counts")
      .group_by("by-count",
                [](std::int64_t n) {
                  return KeyValue{std::to_string(n), std::string("x")};
                })
      .count("keys-per-count")
      .to_stream()
      .to(Topic<std::string, std::optional<std::int64_t>>("o", {.value = DecimalSerde{}}));
  FakeTask task(*builder.graph(), testing::Transactions::kByHand);
  EXPECT_EQ(pipe_line(task, "I:a=x@1"), "(1,1)@1");
  EXPECT_EQ(pipe_line(task, "I:a=x@2"), "(1,0)@2, (2,1)@2");
  EXPECT_EQ(pipe_line(task, "I:a=x@3"), "(2,0)@3, (3,1)@3");
}

}  // namespace
}  // namespace millrace
