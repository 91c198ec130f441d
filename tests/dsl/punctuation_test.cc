// Punctuation on the real engine: Kafka Streams' traces (SEMANTICS §2.12), transactions, restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "millrace/dsl.h"
#include "millrace/test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Text = std::string;

const Topic<Text, Text> kIn("in");
const Topic<Text, Text> kOut("out");
inline constexpr KeyValueStoreName<Text, Text> kKept("kept");

// Passes records on and forwards (p,tick)@now.
class Ticking : public Processor<Text, Text, Text, Text> {
 public:
  explicit Ticking(PunctuationType type) : type_(type) {}
  void init() override {
    schedule_ = context().schedule(10ms, type_, [this](Timestamp now) {
      EXPECT_EQ(context().record_metadata(), std::nullopt);
      context().forward("p", "tick", {.timestamp = now});
    });
  }
  void process(const Record<Text, Text>& record) override {
    if (record.value == "cancel") schedule_.cancel();
    context().forward(record.key, record.value);
  }

 private:
  PunctuationType type_;
  Cancellable schedule_;
};

Topology ticking(PunctuationType type) {
  StreamsBuilder builder;
  builder.stream(kIn).process(Ticking(type), {.name = "ticking"}).to(kOut);
  return builder.build();
}

class Driven {
 public:
  explicit Driven(Topology topology, TestOptions options = {})
      : driver(std::move(topology), {}, std::move(options)) {}

  std::string pipe(const char* value, std::int64_t at) {
    driver.create_input_topic(kIn).pipe_input({"k", value, from_ms(at), {{"h", ""}}});
    return shown();
  }
  std::string advance(Duration by) {
    driver.advance_wall_clock_time(by);
    return shown();
  }
  std::string shown() {
    std::string text;
    for (const auto& record : driver.create_output_topic(kOut).read_records_to_list()) {
      if (!text.empty()) text += ", ";
      text +=
          '(' + record.key + ',' + record.value + ")@" + std::to_string(to_ms(record.timestamp));
      if (record.key == "p") {
        EXPECT_TRUE(record.headers.empty());
      }
    }
    return text;
  }

  TopologyTestDriver driver;
};

void expect_stream_time_trace(bool with_restarts, std::optional<std::uint64_t> hostile) {
  Driven app(ticking(PunctuationType::kStreamTime), {.hostile = hostile});
  const auto pipe = [&](const char* value, std::int64_t at) {
    if (with_restarts) app.driver.restart();
    return app.pipe(value, at);
  };
  EXPECT_EQ(pipe("a", 3), "(k,a)@3, (p,tick)@3");
  EXPECT_EQ(pipe("b", 9), "(k,b)@9");
  EXPECT_EQ(pipe("c", 10), "(k,c)@10, (p,tick)@10");
  EXPECT_EQ(pipe("d", 35), "(k,d)@35, (p,tick)@35");
  EXPECT_EQ(pipe("e", 39), "(k,e)@39");
  EXPECT_EQ(pipe("f", 40), "(k,f)@40, (p,tick)@40");
  EXPECT_EQ(pipe("g", 20), "(k,g)@20");
}

TEST(Punctuation, ByStreamTime) { expect_stream_time_trace(false, {}); }
TEST(Punctuation, ByStreamTimeOnAHostileLog) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) expect_stream_time_trace(false, seed);
}
TEST(Punctuation, ByStreamTimeOverRestarts) { expect_stream_time_trace(true, {}); }

TEST(Punctuation, ByWallClock) {
  Driven app(ticking(PunctuationType::kWallClockTime), {.hostile_keeps_tasks = true});
  EXPECT_EQ(app.pipe("a", 3), "(k,a)@3");
  EXPECT_EQ(app.advance(9ms), "");
  EXPECT_EQ(app.advance(1ms), "(p,tick)@10");
  EXPECT_EQ(app.advance(35ms), "(p,tick)@45");
  EXPECT_EQ(app.advance(5ms), "(p,tick)@50");
  EXPECT_EQ(app.advance(1ms), "");
}

TEST(Punctuation, ByWallClockWithoutAnyRecordIsCommitted) {
  Driven app(ticking(PunctuationType::kWallClockTime), {.plain = true});
  EXPECT_EQ(app.advance(10ms), "(p,tick)@10");
  const auto commits = app.driver.counts().commits;
  EXPECT_GT(commits, 0);
  app.driver.settle();
  EXPECT_EQ(app.driver.counts().commits, commits) << "one for each call, not more";
}

TEST(Punctuation, ByWallClockBeginsAnewAfterARestart) {
  Driven app(ticking(PunctuationType::kWallClockTime), {.hostile_keeps_tasks = true});
  EXPECT_EQ(app.advance(7ms), "");
  app.driver.restart();
  EXPECT_EQ(app.advance(3ms), "");
  EXPECT_EQ(app.advance(7ms), "(p,tick)@17");
}

// (Until the next init(), which an abort brings.)
TEST(Punctuation, Cancelled) {
  Driven app(ticking(PunctuationType::kStreamTime), {.plain = true});
  EXPECT_EQ(app.pipe("a", 3), "(k,a)@3, (p,tick)@3");
  EXPECT_EQ(app.pipe("cancel", 10), "(k,cancel)@10");
  EXPECT_EQ(app.pipe("c", 50), "(k,c)@50");
}

// Stores records; a call forwards and erases what is there.
class Sweeping : public Processor<Text, Text, Text, Text> {
 public:
  void init() override {
    kept_ = &context().store(kKept);
    context().schedule(10ms, PunctuationType::kStreamTime, [this](Timestamp) {
      for (const auto& [key, value] : kept_->all()) {
        context().forward(key, value);
        kept_->erase(key);
      }
    });
  }
  void process(const Record<Text, Text>& record) override { kept_->put(record.key, record.value); }

 private:
  KeyValueStore<Text, Text>* kept_ = nullptr;
};

TEST(Punctuation, AStoreIsSweptInOneTransaction) {
  for (std::uint64_t seed = 0; seed <= 20; ++seed) {
    StreamsBuilder builder;
    builder.add_state_store(kKept);
    builder.stream(kIn).process(Sweeping(), {.stores = {kKept}, .name = "sweeping"}).to(kOut);
    Driven app(builder.build(), {.hostile = seed == 0 ? std::nullopt : std::optional(seed)});
    auto in = app.driver.create_input_topic(kIn);
    in.pipe_input("b", "1", from_ms(0));
    in.pipe_input("c", "2", from_ms(1));
    in.pipe_input("a", "3", from_ms(2));
    in.pipe_input("d", "4", from_ms(35));
    EXPECT_EQ(app.shown(), "(b,1)@0, (a,3)@35, (c,2)@35, (d,4)@35");
    EXPECT_TRUE(app.driver.store(kKept).all().empty());
    EXPECT_EQ(app.driver.committed_records("test-kept-changelog").back().timestamp, from_ms(35));
  }
}

class Schedules : public Processor<Text, Text, Text, Text> {
 public:
  explicit Schedules(Duration interval) : interval_(interval) {}
  void init() override {
    context().schedule(interval_, PunctuationType::kStreamTime,
                       [](Timestamp) { throw std::runtime_error("cannot stand it"); });
  }
  void process(const Record<Text, Text>&) override {}

 private:
  Duration interval_;
};

std::string failure(Schedules processor, Processed options) {
  StreamsBuilder builder;
  builder.stream(kIn).process(std::move(processor), std::move(options)).to(kOut);
  try {
    Driven app(builder.build());
    app.pipe("a", 3);
  } catch (const StoppedError& error) {
    return error.what();
  }
  return "it ran";
}

TEST(PunctuationMistakes, AFailureNamesNodeAndPunctuation) {
  EXPECT_THAT(failure(Schedules(10ms), {.name = "failing"}),
              AllOf(HasSubstr("punctuation by stream time at 3 ms"), HasSubstr("node failing"),
                    HasSubstr("cannot stand it")));
}

TEST(PunctuationMistakes, ByStreamTimeWithoutAName) {
  EXPECT_THAT(failure(Schedules(10ms), {}), HasSubstr("give it one with .name"));
}

TEST(PunctuationMistakes, AnIntervalOfNothing) {
  EXPECT_THAT(failure(Schedules(0ms), {.name = "n"}), HasSubstr("at least 1 ms"));
}

}  // namespace
}  // namespace millrace
