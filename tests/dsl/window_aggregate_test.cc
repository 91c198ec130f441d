// Aggregates over tumbling and hopping windows give what Kafka Streams gives, late records
// included, and keep in store and task memory what a restart needs (SEMANTICS §2.3, §2.2 R-H).
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dsl/trace.h"
#include "millrace/dsl.h"
#include "millrace/dsl/detail/window_grid.h"
#include "millrace/partitioning.h"
#include "millrace/window_store.h"

namespace millrace {
namespace {

using testing::DecimalSerde;
using testing::expect_trace;
using testing::FakeTask;
using testing::pipe_line;
using testing::Text;
using testing::to_text;
using testing::WindowTextSerde;
using namespace std::chrono_literals;

const Topic<Windowed<Text>, std::optional<std::int64_t>> kCounts("o", {.key = WindowTextSerde{},
                                                                       .value = DecimalSerde{}});
const Topic<Windowed<Text>, std::optional<Text>> kTexts("o", {.key = WindowTextSerde{}});

Text folded(const Text& value, Text aggregate) {
  return Text(aggregate.shown() + "+" + value.shown());
}

void count(StreamsBuilder& builder, TimeWindows windows) {
  builder.stream<Text, Text>("I").group_by_key().windowed_by(windows).count("w").to_stream().to(
      kCounts);
}
void fold(StreamsBuilder& builder, TimeWindows windows) {
  builder.stream<Text, Text>("I")
      .group_by_key()
      .windowed_by(windows)
      .aggregate("w", Text("0"), folded)
      .to_stream()
      .to(kTexts);
}

TEST(Tumbling, WithoutGrace) {
  StreamsBuilder builder;
  fold(builder, {.size = 10ms, .grace = 0s});
  expect_trace(*builder.graph(), R"(
    I:k=a@0 -> [k@0/10,0+a]@0
    I:k=b@9 -> [k@0/10,0+a+b]@9
    I:k=c@10 -> [k@10/20,0+c]@10
    I:k=d@9 I:k=e@5 I:j=f@20 -> [j@20/30,0+f]@20
    I:k=g@19 I:j=h@19 -> .
  )");
}

TEST(Tumbling, WithGrace) {
  StreamsBuilder builder;
  count(builder, {.size = 10ms, .grace = 5ms});
  expect_trace(*builder.graph(), R"(
    I:k=a@0 -> [k@0/10,1]@0
    I:k=b@14 -> [k@10/20,1]@14
    I:k=c@5 -> [k@0/10,2]@5
    I:z=z@15 -> [z@10/20,1]@15
    I:k=d@9 I:k=e@10 -> [k@10/20,2]@14
  )");
}

TEST(Tumbling, OpenWindowsTakeUpdatesHoweverFarTimeJumped) {
  StreamsBuilder builder;
  count(builder, {.size = 10ms, .grace = 20ms});
  expect_trace(*builder.graph(), R"(
    I:k=a@0 -> [k@0/10,1]@0
    I:k=b@29 -> [k@20/30,1]@29
    I:k=c@5 -> [k@0/10,2]@5
    I:k=d@30 -> [k@30/40,1]@30
    I:k=e@9 I:k=f@10 -> [k@10/20,1]@10
  )");
}

TEST(Tumbling, TheLaterTimeStays) {
  StreamsBuilder builder;
  fold(builder, {.size = 10ms, .grace = 100ms});
  expect_trace(*builder.graph(), R"(
    I:k=a@8 -> [k@0/10,0+a]@8
    I:k=b@3 -> [k@0/10,0+a+b]@8
  )");
}

// Q7 (SEMANTICS §6).
TEST(Tumbling, CountsNullValuesButNotNullKeys) {
  StreamsBuilder builder;
  count(builder, {.size = 10ms, .grace = 0s});
  expect_trace(*builder.graph(), R"(
    I:k=null@0 -> [k@0/10,1]@0
    I:k=a@1 -> [k@0/10,2]@1
    I:null=x@2 -> .
  )");
}

TEST(Tumbling, CarriesTheHeadersOfTheRecord) {
  StreamsBuilder builder;
  count(builder, {.size = 5ms, .grace = 0s});
  expect_trace(*builder.graph(), R"(
    I:k=a@1 h1 -> [k@0/5,1]@1 hdr=h1
    I:k=b@2 h2 -> [k@0/5,2]@2 hdr=h2
  )");
}

TEST(Tumbling, AnAggregatorsNullDeletesAWindow) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .windowed_by(TimeWindows{.size = 10ms, .grace = 0s})
      .aggregate("w", Text("0"),
                 [](const Text& value, Text aggregate) {
                   return value.chars == "del" ? Text::none() : folded(value, std::move(aggregate));
                 })
      .to_stream()
      .to(kTexts);
  expect_trace(*builder.graph(), R"(
    I:k=a@5 -> [k@0/10,0+a]@5
    I:k=del@3 -> [k@0/10,null]@5
    I:k=b@4 -> [k@0/10,0+b]@4
    I:j=del@4 -> [j@0/10,null]@4
  )");
}

TEST(Tumbling, ReducesWithoutACallForTheFirstValue) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .windowed_by(TimeWindows{.size = 10ms, .grace = 0s})
      .reduce("w", [](Text aggregate, const Text& value) { return folded(value, aggregate); })
      .to_stream()
      .to(kTexts);
  expect_trace(*builder.graph(), R"(
    I:k=a@1 -> [k@0/10,a]@1
    I:k=b@2 -> [k@0/10,a+b]@2
    I:k=null@3 -> [k@0/10,a+b+null]@3
    I:k=c@10 -> [k@10/20,c]@10
  )");
}

TEST(Hopping, IsLatePerWindow) {
  StreamsBuilder builder;
  fold(builder, {.size = 10ms, .advance = 5ms, .grace = 0s});
  expect_trace(*builder.graph(), R"(
    I:k=a@0 -> [k@0/10,0+a]@0
    I:k=b@4 -> [k@0/10,0+a+b]@4
    I:k=c@5 -> [k@0/10,0+a+b+c]@5, [k@5/15,0+c]@5
    I:k=d@9 -> [k@0/10,0+a+b+c+d]@9, [k@5/15,0+c+d]@9
    I:k=e@10 -> [k@5/15,0+c+d+e]@10, [k@10/20,0+e]@10
    I:k=f@7 -> [k@5/15,0+c+d+e+f]@10
    I:k=g@20 -> [k@15/25,0+g]@20, [k@20/30,0+g]@20
    I:k=h@12 -> .
  )");
}

TEST(Hopping, ByAStepThatDoesNotDivideTheSize) {
  StreamsBuilder builder;
  fold(builder, {.size = 10ms, .advance = 3ms, .grace = 0s});
  expect_trace(*builder.graph(), R"(
    I:k=a@10 -> [k@3/13,0+a]@10, [k@6/16,0+a]@10, [k@9/19,0+a]@10
    I:k=b@12 -> [k@3/13,0+a+b]@12, [k@6/16,0+a+b]@12, [k@9/19,0+a+b]@12, [k@12/22,0+b]@12
    I:k=c@2 -> .
  )");
}

TEST(Hopping, CountsEachPairOfRecordAndWindowThatIsLate) {
  StreamsBuilder builder;
  count(builder, {.size = 10ms, .advance = 5ms, .grace = 0s});
  FakeTask task(*builder.graph(), testing::Transactions::kAbortThenCommit);
  pipe_line(task, "I:k=a@20");
  EXPECT_EQ(pipe_line(task, "I:k=late@7 I:k=half@12"), ".");
  EXPECT_EQ(task.dropped("w", graph::DropReason::kLate), 4);
  EXPECT_EQ(pipe_line(task, "I:k=half@17"), "[k@15/25,2]@20");
  EXPECT_EQ(task.dropped("w", graph::DropReason::kLate), 5);
  EXPECT_EQ(task.dropped("w", graph::DropReason::kNullKey), 0);
  pipe_line(task, "I:null=a@100");
  EXPECT_EQ(task.dropped("w", graph::DropReason::kNullKey), 1);
  EXPECT_EQ(pipe_line(task, "I:k=still@17"), "[k@15/25,3]@20") << "a null key moves no time";
}

// Kafka Streams forgets this time at a restart (SEMANTICS R-T2); here it is persisted.
TEST(WindowAggregate, JudgesWhatIsLateAfterARestartAsBefore) {
  StreamsBuilder builder;
  count(builder, {.size = 10ms, .grace = 0s});
  FakeTask task(*builder.graph());
  pipe_line(task, "I:k=a@25");
  task.restart();
  EXPECT_EQ(pipe_line(task, "I:k=b@19"), ".");
  EXPECT_EQ(pipe_line(task, "I:k=b@20"), "[k@20/30,2]@25");
}

TEST(WindowAggregate, AnAbortTakesBackItsTime) {
  StreamsBuilder builder;
  count(builder, {.size = 10ms, .grace = 0s});
  FakeTask task(*builder.graph(), testing::Transactions::kByHand);
  task.pipe("I", "k", "a", 5);
  task.commit();
  task.pipe("I", "k", "a", 50);
  task.abort();
  task.take();
  EXPECT_EQ(pipe_line(task, "I:k=b@9"), "[k@0/10,2]@9");
}

TEST(WindowAggregate, KeepsWindowsAsLongAsAsked) {
  constexpr WindowStoreName<Text, std::int64_t> name("w");
  StreamsBuilder builder;
  builder.stream<Text, Text>("I")
      .group_by_key()
      .windowed_by(TimeWindows{.size = 10ms, .grace = 0s})
      .count(name, {.retention = 100ms});
  FakeTask task(*builder.graph());
  for (const char* record : {"I:k=a@0", "I:k=a@10", "I:k=a@100", "I:k=a@109"}) {
    pipe_line(task, record);
  }
  auto& cells = dynamic_cast<state::WindowCells&>(*task.store("w"));
  const ReadOnlyWindowStore<Text, std::int64_t> store(cells, Serde<Text>());
  std::vector<std::int64_t> starts;
  for (const auto& [window, n] : store.fetch("k", from_ms(0), from_ms(1000))) {
    starts.push_back(to_ms(window.start));
  }
  EXPECT_EQ(starts, (std::vector<std::int64_t>{10, 100}));
  EXPECT_EQ(store.fetch("k", from_ms(100)), 2);
}

TEST(WindowAggregate, WritesKeyStartAndSequenceToItsChangelog) {
  StreamsBuilder builder;
  count(builder, {.size = 10ms, .grace = 0s});
  FakeTask task(*builder.graph());
  pipe_line(task, "I:k=a@12");
  ASSERT_EQ(task.changelog("w").size(), 1u);
  EXPECT_EQ(to_hex(task.changelog("w")[0].key), "6b000000000000000a00000000");
  EXPECT_EQ(to_hex(*task.changelog("w")[0].value), "0000000000000001");
}

TEST(WindowAggregate, WritesAWindowedKeyAsJavaDoesAndAllWindowsOfAKeyToOnePartition) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("I")
      .group_by_key()
      .windowed_by(TimeWindows{.size = 10ms, .grace = 0s})
      .count("w")
      .to_stream()
      .drop_tombstones()
      .to(Topic<Windowed<std::string>, std::int64_t>(
          "o", {.key = time_windowed_serde<std::string>(10ms)}));
  FakeTask task(*builder.graph());
  task.pipe("I", "k", "a", 12);
  const auto sent = task.take();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(to_hex(*sent[0].key), "6b000000000000000a");
  EXPECT_EQ(sent[0].partition, partition_for_key("k", FakeTask::kPartitions));
}

// Random records against the rules written down once more, plainly: every window that is open gets
// the record. Transactions end at random; a third of them is aborted first and runs again.
TEST(WindowAggregate, EqualsTheRulesOnRandomRecords) {
  for (const TimeWindows windows : {TimeWindows{.size = 10ms, .grace = 0s},
                                    TimeWindows{.size = 10ms, .advance = 3ms, .grace = 7ms},
                                    TimeWindows{.size = 16ms, .advance = 4ms, .grace = 40ms}}) {
    StreamsBuilder builder;
    count(builder, windows);
    FakeTask task(*builder.graph(), testing::Transactions::kByHand);

    struct Entry {
      std::int64_t count = 0;
      std::int64_t time = 0;
    };
    std::map<std::pair<std::string, std::int64_t>, Entry> entries;
    std::int64_t observed = -1;
    int late = 0;
    std::string expected;
    const auto expect = [&](const std::string& key, std::int64_t time) {
      observed = std::max(observed, time);
      for (std::int64_t start = 0; start <= time; start += to_ms(windows.advance)) {
        const std::int64_t end = start + to_ms(windows.size);
        if (time >= end) continue;
        if (end <= observed - to_ms(windows.grace.value())) {
          ++late;
          continue;
        }
        Entry& entry = entries[{key, start}];
        ++entry.count;
        entry.time = std::max(entry.time, time);
        expected += "[" + key + "@" + std::to_string(start) + "/" + std::to_string(end) + "," +
                    std::to_string(entry.count) + "]@" + std::to_string(entry.time) + ", ";
      }
    };

    std::mt19937 random(20261);
    std::string seen;
    for (int transaction = 0; transaction < 200; ++transaction) {
      std::vector<std::pair<std::string, std::int64_t>> records;
      for (auto n = random() % 5; n > 0; --n) {
        const std::int64_t around = transaction * 2;
        records.emplace_back(
            std::string(1, static_cast<char>('a' + random() % 3)),
            std::max<std::int64_t>(0, around + static_cast<int>(random() % 60) - 45));
      }
      for (int attempt = random() % 3 == 0 ? 0 : 1; attempt < 2; ++attempt) {
        for (const auto& [key, time] : records) task.pipe("I", key, "v", time);
        if (attempt == 0) task.abort();
      }
      task.commit();
      if (random() % 10 == 0) task.restart();
      for (const auto& [key, time] : records) expect(key, time);
    }
    for (const auto& record : task.take()) seen += to_text({record}) + ", ";
    EXPECT_EQ(seen, expected);
    EXPECT_GT(late, 0);
  }
}

// The grid against its definition, near zero and at the end of time too.
TEST(WindowGrid, HoldsExactlyTheWindowsOfATime) {
  for (std::int64_t size = 1; size <= 12; ++size) {
    for (std::int64_t advance = 1; advance <= size; ++advance) {
      const detail::WindowGrid grid{size, advance, 0};
      for (std::int64_t time = 0; time <= 40; ++time) {
        std::vector<std::int64_t> expected;
        for (std::int64_t start = 0; start <= time; start += advance) {
          if (time < start + size) expected.push_back(start);
        }
        std::vector<std::int64_t> starts;
        grid.for_each_start(time, [&](std::int64_t start) { starts.push_back(start); });
        EXPECT_EQ(starts, expected) << size << ' ' << advance << ' ' << time;
      }
    }
  }
}

TEST(WindowGrid, DoesNotOverflow) {
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
  const detail::WindowGrid endless{last, last, last};
  std::vector<std::int64_t> starts;
  endless.for_each_start(last - 1, [&](std::int64_t start) { starts.push_back(start); });
  EXPECT_EQ(starts, (std::vector<std::int64_t>{0}));
  EXPECT_FALSE(endless.is_closed(0, last - 1));

  const detail::WindowGrid hopping{10, 3, 0};
  int windows = 0;
  hopping.for_each_start(last, [&](std::int64_t start) {
    ++windows;
    EXPECT_LE(start, last);
  });
  EXPECT_GE(windows, 3);
}

}  // namespace
}  // namespace millrace
