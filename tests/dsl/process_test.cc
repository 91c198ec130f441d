// process() and process_values(): what processors see, keep and forward, on the real engine. Each test
// runs plain and on a hostile log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "millrace/dsl.h"
#include "millrace/test_driver.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Number = std::int64_t;
using Text = std::string;

const Topic<Text, Text> kIn("in");
const Topic<Text, Text> kOther("other");
const Topic<Text, Text> kOut("out");
inline constexpr KeyValueStoreName<Text, Number> kSeen("seen");
inline constexpr WindowStoreName<Text, Number> kPerSecond("per-second");
inline constexpr SessionStoreName<Text, Number> kVisits("visits");

class Process : public ::testing::TestWithParam<bool> {
 protected:
  TestOptions options() const {
    return {.hostile = GetParam() ? std::optional<std::uint64_t>(7) : std::nullopt};
  }
  TopologyTestDriver driver() { return TopologyTestDriver(builder.build(), {}, options()); }
  // "(key,value)@time", those that were committed since the last call.
  static std::string shown(TopologyTestDriver& driver, const Topic<Text, Text>& topic = kOut) {
    std::string text;
    auto out = driver.create_output_topic(topic);
    for (const auto& record : out.read_records_to_list()) {
      text +=
          '(' + record.key + ',' + record.value + ")@" + std::to_string(to_ms(record.timestamp));
      for (const Header& header : record.headers) text += ' ' + header.name;
      text += ' ';
    }
    return text;
  }

  StreamsBuilder builder;
};
INSTANTIATE_TEST_SUITE_P(Logs, Process, ::testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "hostile" : "plain");
});

// --- records ---------------------------------------------------------------------------------------

class Twice : public Processor<Text, Text, Text, Text> {
 public:
  explicit Twice(Text mark) : mark_(std::move(mark)) {}
  void process(const Record<Text, Text>& record) override {
    context().forward(record.key, record.value);
    context().forward(record.value, record.key + mark_,
                      {.timestamp = record.timestamp + 1ms, .headers = Headers{{"new", ""}}});
  }

 private:
  Text mark_;
};

TEST_P(Process, ForwardsWhatItSaysOrAsTheRecordHasIt) {
  builder.stream(kIn).process(Twice("!")).to(kOut);
  auto app = driver();
  app.create_input_topic(kIn).pipe_input({"k", "v", from_ms(5), {{"old", ""}}});
  EXPECT_EQ(shown(app), "(k,v)@5 old (v,k!)@6 new ");
}

TEST_P(Process, EachChildRunsToItsEndBeforeTheNext) {
  const auto twice = builder.stream(kIn).process(Twice("!"));
  twice.map_values([](const Text& v) { return v + "-a"; }).to(kOut);
  twice.map_values([](const Text& v) { return v + "-b"; }).to(kOut);
  auto app = driver();
  app.create_input_topic(kIn).pipe_input("k", "v", from_ms(5));
  EXPECT_EQ(shown(app), "(k,v-a)@5 (k,v-b)@5 (v,k!-a)@6 new (v,k!-b)@6 new ");
}

class Router : public Processor<Text, Text, Text, Text> {
 public:
  void process(const Record<Text, Text>& record) override {
    context().forward(record.key, record.value, {.to = record.value});
  }
};

TEST_P(Process, ToOneChildByItsName) {
  const auto routed = builder.stream(kIn).process(Router(), {.name = "router"});
  routed.to(kOut, {.name = "left"});
  routed.map_values([](const Text& v) { return v + "!"; }, {.name = "right"}).to(kOut);
  auto app = driver();
  auto in = app.create_input_topic(kIn);
  in.pipe_input("k", "left", from_ms(1));
  in.pipe_input("k", "right", from_ms(2));
  EXPECT_EQ(shown(app), "(k,left)@1 (k,right!)@2 ");
  try {
    in.pipe_input("k", "nowhere", from_ms(3));
    FAIL();
  } catch (const StoppedError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("in-0@2"), HasSubstr("router forwards to 'nowhere'"),
                                    HasSubstr("left, right")));
  }
}

class Backdating : public Processor<Text, Text, Text, Text> {
 public:
  void process(const Record<Text, Text>& record) override {
    context().forward(record.key, record.value, {.timestamp = from_ms(-5)});
  }
};

TEST_P(Process, ATimestampIsNeverNegative) {
  builder.stream(kIn).process(Backdating(), {.name = "back"}).to(kOut);
  auto app = driver();
  try {
    app.create_input_topic(kIn).pipe_input("k", "v", from_ms(1));
    FAIL();
  } catch (const StoppedError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("node back"), HasSubstr("timestamp -5 ms")));
  }
}

class Metadata : public FixedKeyProcessor<Text, Text, Text> {
 public:
  void init() override { EXPECT_EQ(context().record_metadata(), std::nullopt); }
  void process(const Record<Text, Text>& record) override {
    const auto where = context().record_metadata();
    context().forward(
        record, std::string(where->topic) + '-' + std::to_string(where->partition.value()) + ' ' +
                    std::to_string(to_ms(context().current_stream_time())) + ' ' +
                    std::to_string(to_ms(context().current_system_time())) + ' ' +
                    to_string(context().task_id()) + ' ' + std::string(context().application_id()));
  }
};

TEST_P(Process, TheContextTellsWhereAndWhen) {
  builder.stream(kIn).process_values(Metadata()).to(kOut);
  auto wanted = options();
  wanted.start_time = from_ms(1000);
  TopologyTestDriver app(builder.build(), {}, wanted);
  auto in = app.create_input_topic(kIn);
  in.pipe_input("k", "v", from_ms(9));
  in.pipe_input("k", "v", from_ms(3));
  EXPECT_EQ(shown(app), "(k,in-0 9 1000 0_0 test)@9 (k,in-0 9 1000 0_0 test)@3 ");
}

class NothingOut : public Processor<Text, Text> {
 public:
  explicit NothingOut(std::shared_ptr<std::vector<Text>> seen) : seen_(std::move(seen)) {}
  void init() override { seen_->push_back("init"); }
  void process(const Record<Text, Text>& record) override { seen_->push_back(record.value); }
  void close() override { seen_->push_back("close"); }

 private:
  std::shared_ptr<std::vector<Text>> seen_;
};

TEST(ProcessLife, InitRecordsClose) {
  const auto seen = std::make_shared<std::vector<Text>>();
  StreamsBuilder builder;
  builder.stream(kIn).process(NothingOut(seen));
  {
    TopologyTestDriver app(builder.build(), {}, {.plain = true});
    app.create_input_topic(kIn).pipe_input("k", "v", from_ms(1));
  }
  EXPECT_THAT(*seen, ElementsAre("init", "v", "close"));
}

TEST(ProcessLife, MakersByValueAndByPointer) {
  const auto seen = std::make_shared<std::vector<Text>>();
  StreamsBuilder builder;
  const auto in = builder.stream(kIn);
  in.process([seen] { return NothingOut(seen); });
  in.process([seen] { return std::make_unique<NothingOut>(seen); });
  {
    TopologyTestDriver app(builder.build(), {}, {.plain = true});
    app.create_input_topic(kIn).pipe_input("k", "v", from_ms(1));
  }
  EXPECT_THAT(*seen, ElementsAre("init", "init", "v", "v", "close", "close"));
}

// --- stores ----------------------------------------------------------------------------------------

// Counts each key in a store that it may share.
class Counting : public FixedKeyProcessor<Text, Text, Text> {
 public:
  void init() override { seen_ = &context().store(kSeen); }
  void process(const Record<Text, Text>& record) override {
    const Number n = seen_->get(record.key).value_or(0) + 1;
    seen_->put(record.key, n);
    context().forward(record, record.value + std::to_string(n));
    if (record.value == "forget") seen_->erase(record.key);
  }

 private:
  KeyValueStore<Text, Number>* seen_ = nullptr;
};

TEST_P(Process, AStoreOfItsOwn) {
  builder.add_state_store(kSeen);
  builder.stream(kIn).process_values(Counting(), {.stores = {kSeen}}).to(kOut);
  auto app = driver();
  auto in = app.create_input_topic(kIn);
  in.pipe_input("a", "x", from_ms(3));
  in.pipe_input("a", "forget", from_ms(4));
  in.pipe_input("a", "x", from_ms(5));
  in.pipe_input("b", "x", from_ms(6));
  EXPECT_EQ(shown(app), "(a,x1)@3 (a,forget2)@4 (a,x1)@5 (b,x1)@6 ");
  EXPECT_EQ(app.store(kSeen).get_with_timestamp("a"), (ValueAndTimestamp<Number>{1, from_ms(5)}));
  app.restart();
  in.pipe_input("b", "x", from_ms(7));
  EXPECT_EQ(shown(app), "(b,x2)@7 ");
  const auto changes = app.committed_records("test-seen-changelog");
  EXPECT_EQ(changes.back().timestamp, from_ms(7));
}

TEST_P(Process, ProcessorsThatShareAStoreAreInOneTask) {
  builder.add_state_store(kSeen);
  builder.stream(kIn).process_values(Counting(), {.stores = {kSeen}}).to(kOut);
  builder.stream(kOther).process_values(Counting(), {.stores = {kSeen}}).to(kOut);
  auto app = driver();
  app.create_input_topic(kIn).pipe_input("a", "x", from_ms(3));
  app.create_input_topic(kOther).pipe_input("a", "y", from_ms(4));
  EXPECT_EQ(shown(app), "(a,x1)@3 (a,y2)@4 ");
}

TEST_P(Process, AStoreOfAnotherOperator) {
  const auto in = builder.stream(kIn);
  in.group_by_key().count(kSeen);
  in.process_values(Counting(), {.stores = {kSeen}}).to(kOut);
  auto app = driver();
  auto topic = app.create_input_topic(kIn);
  topic.pipe_input("a", "x", from_ms(3));
  topic.pipe_input("a", "x", from_ms(4));
  EXPECT_EQ(shown(app), "(a,x2)@3 (a,x4)@4 ");
}

class PerSecond : public Processor<Text, Text> {
 public:
  void init() override { windows_ = &context().store(kPerSecond); }
  void process(const Record<Text, Text>& record) override {
    const Timestamp start = from_ms(to_ms(record.timestamp) / 1000 * 1000);
    windows_->put(record.key, windows_->fetch(record.key, start).value_or(0) + 1, start);
  }

 private:
  WindowStore<Text, Number>* windows_ = nullptr;
};

TEST_P(Process, AStoreOfWindows) {
  builder.add_state_store(kPerSecond, 1s, {.retention = 10s});
  builder.stream(kIn).process(PerSecond(), {.stores = {kPerSecond}});
  auto app = driver();
  auto in = app.create_input_topic(kIn);
  for (const int at : {10, 1200, 900, 1999, 2000}) in.pipe_input("a", "x", from_ms(at));
  const auto windows = app.store(kPerSecond).fetch("a", from_ms(0), from_ms(2000));
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_EQ(windows[0].value, 2);
  EXPECT_EQ(windows[1].value, 2);
  EXPECT_EQ(windows[2].key, (Window{from_ms(2000), from_ms(3000)}));
}

// Sessions with a gap of 10 ms, merged by hand.
class Visits : public Processor<Text, Text> {
 public:
  void init() override { visits_ = &context().store(kVisits); }
  void process(const Record<Text, Text>& record) override {
    SessionWindowed<Text> merged{record.key, {record.timestamp, record.timestamp}};
    Number count = 1;
    for (const auto& [session, n] :
         visits_->find_sessions(record.key, record.timestamp - 10ms, record.timestamp + 10ms)) {
      merged.window.start = std::min(merged.window.start, session.window.start);
      merged.window.end = std::max(merged.window.end, session.window.end);
      count += n;
      visits_->remove(session);
    }
    visits_->put(merged, count);
  }

 private:
  SessionStore<Text, Number>* visits_ = nullptr;
};

TEST_P(Process, AStoreOfSessions) {
  builder.add_state_store(kVisits, 1h);
  builder.stream(kIn).process(Visits(), {.stores = {kVisits}});
  auto app = driver();
  auto in = app.create_input_topic(kIn);
  for (const int at : {10, 30, 40, 20, 100}) in.pipe_input("a", "x", from_ms(at));
  const auto sessions = app.store(kVisits).fetch("a");
  ASSERT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions[0].key.window, (Window{from_ms(10), from_ms(40)}));
  EXPECT_EQ(sessions[0].value, 4);
  EXPECT_EQ(sessions[1].key.window, (Window{from_ms(100), from_ms(100)}));
}

class FirstPut : public Processor<Text, Text> {
 public:
  void init() override { seen_ = &context().store(kSeen); }
  void process(const Record<Text, Text>& record) override {
    seen_->put(record.key, 1);
    if (record.value == "fail") throw std::domain_error("cannot stand it");
  }

 private:
  KeyValueStore<Text, Number>* seen_ = nullptr;
};

TEST(ProcessFailure, NamesNodeAndRecordAndLeavesNothing) {
  StreamsBuilder builder;
  builder.add_state_store(kSeen);
  builder.stream(kIn).process(FirstPut(), {.stores = {kSeen}, .name = "first"});
  TopologyTestDriver app(builder.build());
  auto in = app.create_input_topic(kIn);
  try {
    in.pipe_input("k", "fail", from_ms(1));
    FAIL();
  } catch (const StoppedError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("node first"), HasSubstr("in-0@0"), HasSubstr("cannot stand it")));
  }
  EXPECT_THAT(app.committed_records("test-seen-changelog"), IsEmpty());
}

// --- mistakes --------------------------------------------------------------------------------------

TEST(ProcessMistakes, AStoreThatNobodyAdded) {
  StreamsBuilder builder;
  builder.stream(kIn).process_values(Counting(), {.stores = {kSeen}, .name = "counting"}).to(kOut);
  try {
    static_cast<void>(builder.build());
    FAIL();
  } catch (const TopologyError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("process_test.cc"), HasSubstr("counting"),
                                    HasSubstr("'seen'"), HasSubstr("add_state_store()")));
  }
}

TEST(ProcessMistakes, AStoreOfOtherTypes) {
  StreamsBuilder builder;
  builder.add_state_store(KeyValueStoreName<Text, Text>("seen"));
  builder.add_state_store(WindowStoreName<Text, Number>("per-second"), 0ms);
  builder.add_state_store(kPerSecond, 10s, {.retention = 1s});
  builder.stream(kIn).process_values(Counting(), {.stores = {kSeen}}).to(kOut);
  try {
    static_cast<void>(builder.build());
    FAIL();
  } catch (const TopologyError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("used as other values"), HasSubstr("size of this store's windows"),
                      HasSubstr(".retention is 1000 ms")));
  }
}

// What it says when the task starts.
template <class P>
std::string start_failure(P processor, Processed options) {
  StreamsBuilder builder;
  builder.add_state_store(kSeen);
  builder.stream(kIn).process(std::move(processor), std::move(options));
  try {
    TopologyTestDriver app(builder.build());
  } catch (const StoppedError& error) {
    return error.what();
  }
  return "it started";
}

TEST(ProcessMistakes, AStoreThatItIsNotConnectedTo) {
  EXPECT_THAT(start_failure(FirstPut(), {.name = "first"}),
              AllOf(HasSubstr("first opens the store 'seen'"), HasSubstr("not connected")));
}

class OpensAs : public Processor<Text, Text> {
 public:
  explicit OpensAs(bool windows) : windows_(windows) {}
  void init() override {
    if (windows_) {
      context().store(WindowStoreName<Text, Number>("seen"));
    } else {
      context().store(KeyValueStoreName<Text, Text>("seen"));
    }
  }
  void process(const Record<Text, Text>&) override {}

 private:
  bool windows_;
};

TEST(ProcessMistakes, AStoreOpenedAsWhatItIsNot) {
  EXPECT_THAT(start_failure(OpensAs(false), {.stores = {"seen"}}),
              HasSubstr("other key or value types"));
  EXPECT_THAT(start_failure(OpensAs(true), {.stores = {"seen"}}),
              HasSubstr("another kind of store"));
}

class ForwardsInInit : public Processor<Text, Text, Text, Text> {
 public:
  void init() override { context().forward("k", "v"); }
  void process(const Record<Text, Text>&) override {}
};

TEST(ProcessMistakes, ForwardInInit) {
  StreamsBuilder builder;
  builder.stream(kIn).process(ForwardsInInit()).to(kOut);
  EXPECT_THROW(TopologyTestDriver(builder.build()), StoppedError);
}

TEST(ProcessMistakes, AMakerThatMakesNothing) {
  StreamsBuilder builder;
  builder.stream(kIn).process([] { return std::unique_ptr<OpensAs>(); });
  EXPECT_THROW(TopologyTestDriver(builder.build()), StoppedError);
}

TEST(ProcessMistakes, RecordsAreNotInPlaceBehindProcess) {
  StreamsBuilder builder;
  builder.stream(kIn).process(Twice("!")).group_by_key().count("n");
  EXPECT_THROW(static_cast<void>(builder.build()), TopologyError);
  StreamsBuilder keeps;
  keeps.stream(kIn).process_values(Metadata()).group_by_key().count("n");
  EXPECT_NO_THROW(static_cast<void>(keeps.build()));
}

}  // namespace
}  // namespace millrace
