// Streams without state give what Kafka Streams gives, record by record (SEMANTICS §2.2).
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "dsl/trace.h"
#include "millrace/dsl.h"
#include "millrace/partitioning.h"

namespace millrace {
namespace {

using testing::expect_trace;
using testing::FakeTask;
using testing::pipe_line;
using testing::Text;

auto appended(std::string suffix) {
  return [suffix](const Text& value) { return Text(value.shown() + suffix); };
}

auto both(std::string first, std::string second) {
  return [first, second](const Text& value) {
    return std::vector<Text>{value.chars + first, value.chars + second};
  };
}

TEST(Stream, RunsTheFirstChildToItsEndBeforeTheSecond) {
  StreamsBuilder builder;
  const auto in = builder.stream<Text, Text>("I");
  in.map_values(appended("1")).to("o");
  in.flat_map_values(both("2", "3")).to("o");
  expect_trace(*builder.graph(), "I:k=a@1 -> (k,a1)@1, (k,a2)@1, (k,a3)@1");
}

TEST(Stream, FlatMapForwardsElementByElement) {
  StreamsBuilder builder;
  const auto flat = builder.stream<Text, Text>("I").flat_map_values(both("x", "y"));
  flat.map_values(appended("1")).to("o");
  flat.map_values(appended("2")).to("o");
  expect_trace(*builder.graph(), "I:k=a@1 -> (k,ax1)@1, (k,ax2)@1, (k,ay1)@1, (k,ay2)@1");
}

TEST(Stream, MergesAndSplits) {
  StreamsBuilder builder;
  const auto a = builder.stream<Text, Text>("A");
  const auto b = builder.stream<Text, Text>("B");
  const auto [o1, o2, o3] =
      a.merge(b).split([](const Text& value) { return value.chars.starts_with("x"); },
                       Branch{"long", [](const Text& value) { return value.chars.size() > 1; }});
  o1.to("o1");
  o2.to("o2");
  o3.to("o3");
  expect_trace(*builder.graph(), R"(
    A:k=x1@5 -> o1:(k,x1)@5
    B:k=yy@3 -> o2:(k,yy)@3
    A:k=z@4 -> o3:(k,z)@4
    B:null=x@1 -> o1:(null,x)@1
  )");
}

TEST(Stream, SplitsIntoAnyNumberOfStreams) {
  StreamsBuilder builder;
  const auto is = [](std::string wanted) {
    return [wanted](const Text& value) { return value.chars == wanted; };
  };
  const auto streams = builder.stream<Text, Text>("I").split(is("1"), is("2"), is("3"), is("4"),
                                                             is("5"), is("6"), is("7"), is("8"));
  for (std::size_t i = 0; i < streams.size(); ++i) streams[i].to("o" + std::to_string(i + 1));
  expect_trace(*builder.graph(), R"(
    I:k=1@0 -> o1:(k,1)@0
    I:k=5@0 -> o5:(k,5)@0
    I:k=8@0 -> o8:(k,8)@0
    I:k=9@0 -> o9:(k,9)@0
  )");
}

TEST(Stream, ShowsNullsToEveryCallable) {
  StreamsBuilder builder;
  const auto in = builder.stream<Text, Text>("I");
  in.filter([](const Text& key, const Text& value) { return key.null && value.null; })
      .map([](const Text& key, const Text& value) {
        return KeyValue{Text(key.shown() + "!"), Text(value.shown() + "!")};
      })
      .to("o1");
  in.filter_not([](const Text& value) { return !value.null; }).select_key(appended("?")).to("o2");
  expect_trace(*builder.graph(), R"(
    I:null=null@1 -> o1:(null!,null!)@1, o2:(null?,null)@1
    I:k=null@1 -> o2:(null?,null)@1
    I:null=v@1 -> .
  )");
}

TEST(Stream, KeepsTimeAndHeaders) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .filter([](const Text&) { return true; })
      .map([](const Text& value) {
        return KeyValue{value, value};
      })
      .flat_map([](const Text& value) {
        return std::vector{KeyValue{Text("x"), value}, KeyValue{Text("y"), value}};
      })
      .repartition("middle")
      .to("o");
  expect_trace(*builder.graph(), R"(
    I:k=a@7 h1 -> (x,a)@7 hdr=h1, (y,a)@7 hdr=h1
    I:k=b@3 -> (x,b)@3 hdr=none, (y,b)@3 hdr=none
  )");
}

TEST(Stream, CountsNullKeysThatCannotBePlaced) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I").repartition("by-key").to("o");
  FakeTask task(*builder.graph());
  EXPECT_EQ(pipe_line(task, "I:null=a@1 I:k=null@2"), "(k,null)@2");
  EXPECT_EQ(task.dropped("by-key-repartition-sink", graph::DropReason::kNullKeyRepartition), 1);
}

TEST(Stream, DropsTombstones) {
  StreamsBuilder builder;
  builder.stream<Text, std::optional<std::string>>("I").drop_tombstones().to("o");
  expect_trace(*builder.graph(), "I:k=null@1 I:k=a@2 -> (k,a)@2");
}

TEST(Stream, CallsPeekAndForEachOncePerRecord) {
  StreamsBuilder builder;
  auto seen = std::make_shared<std::string>();
  const auto in = builder.stream<Text, Text>("I");
  in.peek([seen](const Text& value) { *seen += "peek " + value.chars + ";"; }).to("o");
  in.for_each([seen](const Text& key, const Text&) { *seen += "each " + key.chars + ";"; });
  FakeTask task(*builder.graph());
  EXPECT_EQ(pipe_line(task, "I:k=a@1"), "(k,a)@1");
  EXPECT_EQ(*seen, "peek a;each k;");
}

TEST(Stream, ReadsSeveralTopicsAsOne) {
  const Topic<Text, Text> a("A");
  const Topic<Text, Text> b("B");
  StreamsBuilder builder;
  builder.stream({a, b}).to("o1");
  builder.stream<Text, Text>({"C", "D"}).to("o2");
  expect_trace(*builder.graph(), R"(
    A:k=1@1 -> o1:(k,1)@1
    B:k=2@1 -> o1:(k,2)@1
    C:k=3@1 -> o2:(k,3)@1
    D:k=4@1 -> o2:(k,4)@1
  )");
}

TEST(Stream, IsPlacedByTheBytesOfItsKeyUnlessAPartitionerHasAnOpinion) {
  StreamsBuilder builder;
  const auto in = builder.stream<Text, Text>("I");
  in.to("default");
  in.to("chosen", {.partitioner = [](const Text&, const Text& value,
                                     std::int32_t partitions) -> std::optional<Partition> {
          if (value.chars == "last") return Partition(partitions - 1);
          return std::nullopt;
        }});
  FakeTask task(*builder.graph());
  for (const char* value : {"any", "last"}) {
    task.pipe("I", "key", value, 1);
    const auto sent = task.take();
    ASSERT_EQ(sent.size(), 2u);
    const Partition by_key = partition_for_key("key", FakeTask::kPartitions);
    EXPECT_EQ(sent[0].partition, by_key);
    EXPECT_EQ(sent[1].partition,
              value == std::string("last") ? Partition(FakeTask::kPartitions - 1) : by_key);
  }
}

TEST(Stream, RepartitionsIntoAsManyPartitionsAsAsked) {
  StreamsBuilder builder;
  const auto in = builder.stream<std::string, std::string>("I");
  in.repartition("default").to("a");
  in.repartition("three", {.partitions = 3}).to("b");
  in.group_by("five", [](const std::string& value) { return value; }, {.partitions = 5}).count("c");
  std::vector<std::optional<std::int32_t>> partitions;
  for (const auto& topic : builder.graph()->repartitions()) partitions.push_back(topic.partitions);
  EXPECT_EQ(partitions, (std::vector<std::optional<std::int32_t>>{std::nullopt, 3, 5}));
}

TEST(Stream, WritesPresentValuesToATopicOfOptionalOnes) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("I").to(
      Topic<std::string, std::optional<std::string>>("o"));
  expect_trace(*builder.graph(), "I:k=a@1 -> (k,a)@1");
}

struct Order {
  std::string customer;
  std::string item;
};

TEST(Stream, TakesWhateverInvokeTakes) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .map_values([](const Text& value) {
        return Order{value.chars, "tea"};
      })
      .map_values(&Order::customer)
      .filter(&std::string::size)
      .map_values([n = 0](const std::string& value) mutable { return value + std::to_string(++n); })
      .to("o");
  FakeTask task(*builder.graph());
  EXPECT_EQ(pipe_line(task, "I:k=eve@1"), "(k,eve1)@1");
  EXPECT_EQ(pipe_line(task, "I:k=eve@1"), "(k,eve2)@1");
}

TEST(Stream, GivesEachTaskItsOwnCopyOfACallable) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .map_values([n = 0](const Text&) mutable { return Text(std::to_string(++n)); })
      .to("o");
  FakeTask one(*builder.graph());
  FakeTask other(*builder.graph());
  EXPECT_EQ(pipe_line(one, "I:k=a@1"), "(k,1)@1");
  EXPECT_EQ(pipe_line(one, "I:k=a@1"), "(k,2)@1");
  EXPECT_EQ(pipe_line(other, "I:k=a@1"), "(k,1)@1");
}

TEST(Stream, NamesTheOperatorWhoseCallableThrew) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .map_values([](const Text&) -> Text { throw std::domain_error("negative"); },
                  {.name = "check"})
      .to("o");
  FakeTask task(*builder.graph());
  try {
    pipe_line(task, "I:k=a@1");
    FAIL() << "the exception was swallowed";
  } catch (const graph::NodeError& e) {
    EXPECT_EQ(e.node(), "check");
    EXPECT_THROW(std::rethrow_if_nested(e), std::domain_error);
  }
}

TEST(Source, SkipsAndCountsNullsThatTheTypeCannotHold) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("I", {.name = "in"}).to("o");
  FakeTask task(*builder.graph());
  EXPECT_EQ(pipe_line(task, "I:null=a@1 I:k=null@2 I:k=null@2 I:k=a@3"), "(k,a)@3");
  EXPECT_EQ(task.dropped("in", graph::DropReason::kNullKey), 1);
  EXPECT_EQ(task.dropped("in", graph::DropReason::kNullValue), 2);
}

TEST(Source, FailsOnNullsIfAsked) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("I", {.on_null = OnNull::kFail}).to("o");
  FakeTask task(*builder.graph());
  EXPECT_ANY_THROW(pipe_line(task, "I:k=null@1"));
  EXPECT_ANY_THROW(pipe_line(task, "I:null=v@1"));
}

TEST(Source, TakesTheTimeFromTheRecordItself) {
  const auto time_in_value = [](const Text&, const Text& value, const RecordContext&) {
    return from_ms(std::stoll(value.chars));
  };
  StreamsBuilder builder;
  builder.stream<Text, Text>("I", {.timestamp = time_in_value, .name = "in"}).to("o");
  FakeTask task(*builder.graph());
  EXPECT_EQ(pipe_line(task, "I:k=-5@1 I:k=42@1"), "(k,42)@42");
  EXPECT_EQ(task.dropped("in", graph::DropReason::kNegativeTimestamp), 1);
}

TEST(Source, MayUseThePartitionsTimeForARecordWithoutOne) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I", {.timestamp = UsePartitionTime{}}).to("o");
  FakeTask task(*builder.graph());
  EXPECT_ANY_THROW(pipe_line(task, "I:k=a@-1"));
  EXPECT_EQ(pipe_line(task, "I:k=b@9"), "(k,b)@9");
  EXPECT_EQ(pipe_line(task, "I:k=c@-1"), "(k,c)@9");
}

TEST(Source, FailsOnANegativeTimeByDefault) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I").to("o");
  FakeTask task(*builder.graph());
  EXPECT_ANY_THROW(pipe_line(task, "I:k=a@-1"));
}

}  // namespace
}  // namespace millrace
