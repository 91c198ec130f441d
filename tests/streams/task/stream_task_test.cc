// One task without a worker: which record it takes next, that an abort repeats the same steps, what
// it commits, and what it says when a record fails.
#include "task/stream_task.h"

#include <gmock/gmock.h>

#include <stdexcept>

#include "streams/topology/sample_graph.h"

namespace millrace::task {
namespace {

using graph::testing::SampleGraph;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = StreamTask::Step::Kind;

// Takes part in a graph: notes values and passes them on; "fail" throws.
class NotingNode final : public graph::Input<std::string, std::string> {
 public:
  explicit NotingNode(std::string& notes) : notes_(notes) {}
  Node* clone() const override { return new NotingNode(*this); }
  void process(const std::string& key, const std::string& value,
               const RecordContext& context) override {
    if (value == "fail") throw std::runtime_error("cannot stand it");
    notes_ += value + ' ';
    forward(key, value, context);
  }

 private:
  std::string& notes_;
};

// Reads topics "a" and "b" of one partition each.
class StreamTaskTest : public ::testing::Test {
 protected:
  StreamTaskTest() {
    const auto extract = [this](const std::string&, const std::string&,
                                const RecordContext& context,
                                Timestamp) { return skips ? from_ms(-1) : context.timestamp; };
    const auto a = sample.builder.add_source(
        {"stream", {}, {"app.cc", 5}}, {"a"},
        new graph::SourceNode<std::string, std::string>(
            {default_serde<std::string>(), default_serde<std::string>(), extract, {}}));
    const auto b = sample.source({"b"});
    const auto node = sample.builder.add_processor({"filter", "noting", {"app.cc", 7}}, {a, b},
                                                   new NotingNode(notes), {});
    sample.sink(node, "out");
    built.reset(new graph::BuiltGraph(sample.build()));
    plan = graph::plan_topics(*built, "app", {{"a", 1}, {"b", 1}, {"out", 1}});
  }
  StreamTask& make(Duration max_task_idle = Duration(0)) {
    environment.emplace(TaskEnvironment{*built, plan, "app", output, max_task_idle, false});
    task.emplace(TaskId{0, Partition(0)}, *environment);
    for (std::size_t i = 0; i < task->sources().size(); ++i) task->load(i, Offset(100), {});
    task->start({});
    return *task;
  }
  void add(std::size_t source, const std::string& value, std::int64_t at) {
    RecordView record{};
    record.key = BytesView("k");
    record.value = value;
    record.timestamp = from_ms(at);
    record.offset = Offset(next[source]++);
    task->add(source, record);
  }
  StreamTask::Step step(bool caught_up = true, Duration now = Duration(0)) {
    return task->step({caught_up, caught_up}, {now, wall});
  }
  // Takes all it can; returns the values.
  std::string take_all() {
    notes.clear();
    while (step().kind == Kind::kRan) {
    }
    return notes;
  }
  std::vector<log::OffsetToCommit> commit() {
    std::vector<log::OffsetToCommit> offsets;
    EXPECT_EQ(task->append_offsets(offsets, Writer(5)), std::nullopt);
    task->commit({});
    return offsets;
  }

  std::string notes;
  bool skips = false;  // the extractor of "a" finds no time in its records any more
  SampleGraph sample;
  std::unique_ptr<graph::BuiltGraph> built;
  graph::TopicPlan plan;
  OutputBuffer output;
  std::optional<TaskEnvironment> environment;
  std::optional<StreamTask> task;
  std::int64_t next[2] = {100, 100};
  Timestamp wall{};
};

TEST_F(StreamTaskTest, TheEarliestHeadIsNextAndOfEqualsTheFirst) {
  make();
  add(0, "a30", 30);
  add(0, "a10", 10);  // stands behind a30: the order of a partition is never changed
  add(1, "b20", 20);
  add(1, "b30", 30);
  EXPECT_EQ(take_all(), "b20 a30 a10 b30 ");
  EXPECT_EQ(task->stream_time(), from_ms(30));
}

TEST_F(StreamTaskTest, AnEmptyInputIsWaitedForUntilItIsKnownToBeEmpty) {
  make();
  add(0, "a", 1);
  const auto waiting = step(false);
  EXPECT_EQ(waiting.kind, Kind::kWaiting);
  EXPECT_EQ(waiting.wait_until, std::nullopt);
  EXPECT_EQ(step(true).kind, Kind::kRan);
  EXPECT_EQ(step(true).kind, Kind::kIdle);
}

TEST_F(StreamTaskTest, WithoutIdlingNobodyIsWaitedFor) {
  make(Duration(-1));
  add(0, "a", 1);
  EXPECT_EQ(step(false).kind, Kind::kRan);
}

TEST_F(StreamTaskTest, IdlingWaitsSoLongAndNoLonger) {
  make(Duration(50));
  add(0, "a", 10);
  add(0, "c", 30);
  auto waiting = step(true, Duration(1'000));
  EXPECT_EQ(waiting.kind, Kind::kWaiting);
  EXPECT_EQ(waiting.wait_until, Duration(1'050));
  EXPECT_EQ(step(true, Duration(1'049)).kind, Kind::kWaiting);
  // The other input has something after all: time begins anew.
  add(1, "b", 5);
  EXPECT_EQ(step(true, Duration(1'049)).kind, Kind::kRan);
  EXPECT_EQ(notes, "b ");
  waiting = step(true, Duration(1'060));
  EXPECT_EQ(waiting.kind, Kind::kWaiting);
  EXPECT_EQ(waiting.wait_until, Duration(1'110));
  EXPECT_EQ(step(true, Duration(1'110)).kind, Kind::kRan);
}

TEST_F(StreamTaskTest, IdlingBeginsWhenTheInputIsKnownToBeEmpty) {
  make(Duration(50));
  add(0, "a", 10);
  EXPECT_EQ(step(true, Duration(1'000)).wait_until, Duration(1'050));
  EXPECT_EQ(step(false, Duration(1'040)).wait_until, std::nullopt);
  EXPECT_EQ(step(true, Duration(1'060)).wait_until, Duration(1'110));
}

TEST_F(StreamTaskTest, AReplayTakesTheSameStepsAlsoWhereEarlierRecordsCame) {
  make(Duration(-1));
  add(0, "a20", 20);
  EXPECT_EQ(take_all(), "a20 ");
  add(1, "b10", 10);
  add(0, "a30", 30);
  EXPECT_EQ(take_all(), "b10 a30 ");
  task->abort();
  EXPECT_TRUE(task->replaying());
  EXPECT_EQ(task->stream_time(), from_ms(-1));
  add(1, "b5", 5);
  EXPECT_EQ(take_all(), "a20 b10 a30 b5 ");
  EXPECT_FALSE(task->replaying());
  task->abort();
  EXPECT_EQ(take_all(), "a20 b10 a30 b5 ");
}

TEST_F(StreamTaskTest, AReplayWaitsForNobody) {
  make(Duration(50));
  add(0, "a", 1);
  add(1, "b", 2);
  EXPECT_EQ(take_all(), "a ");  // b would have to wait for a
  EXPECT_EQ(step(true, Duration(10)).kind, Kind::kWaiting);
  task->abort();
  EXPECT_EQ(step(false).kind, Kind::kRan);
}

TEST_F(StreamTaskTest, AReplayGoesOnWhereAnExtractorAnswersOtherwiseThanBefore) {
  make(Duration(-1));
  add(0, "a1", 1);
  add(1, "b2", 2);
  add(0, "a3", 3);
  EXPECT_EQ(take_all(), "a1 b2 a3 ");
  task->abort();
  skips = true;
  EXPECT_EQ(task->next_time(wall), from_ms(2));
  EXPECT_EQ(take_all(), "b2 ");
  EXPECT_FALSE(task->replaying());
  add(1, "b4", 4);
  EXPECT_EQ(take_all(), "b4 ");
}

TEST_F(StreamTaskTest, ACommitInMidReplay) {
  make(Duration(-1));
  for (int i = 0; i < 6; ++i) add(static_cast<std::size_t>(i % 2), std::to_string(i), 10 - i);
  const std::string all = take_all();
  task->abort();
  notes.clear();
  step();
  step();
  commit();
  step();
  task->abort();
  const std::string first = notes.substr(0, 4);
  EXPECT_EQ(first + take_all(), all);
}

TEST_F(StreamTaskTest, FailuresNameTaskNodeAndRecord) {
  make(Duration(-1));
  add(0, "a", 1);
  add(1, "fail", 2);
  EXPECT_EQ(step().kind, Kind::kRan);
  const auto failed = step();
  EXPECT_EQ(failed.kind, Kind::kFailed);
  EXPECT_THAT(failed.failure.text, AllOf(HasSubstr("task 0_0"), HasSubstr("b-0@100"),
                                         HasSubstr("node noting"), HasSubstr("cannot stand it")));
  task->abort();
  EXPECT_EQ(task->next_offset(1), Offset(100));
  EXPECT_EQ(step().kind, Kind::kRan);
  EXPECT_EQ(step().kind, Kind::kFailed) << "it fails again, at its place";
}

// --- commits -------------------------------------------------------------------------------------

TEST_F(StreamTaskTest, TheFirstCommitNamesAllPartitionsLaterOnesThoseWithProgress) {
  make(Duration(-1));
  EXPECT_FALSE(task->has_progress());
  const std::size_t anchor = task->anchor();
  const std::size_t other = 1 - anchor;
  add(other, "x", 1);
  step();
  EXPECT_TRUE(task->has_progress());
  EXPECT_EQ(commit().size(), 2u);
  add(other, "y", 2);
  step();
  EXPECT_EQ(commit().size(), 2u) << "the anchor carries the number";
  add(anchor, "z", 3);
  step();
  const auto offsets = commit();
  ASSERT_EQ(offsets.size(), 1u);
  EXPECT_EQ(offsets[0].where, task->sources()[anchor]);
  EXPECT_EQ(offsets[0].next, Offset(101));
  EXPECT_FALSE(task->has_progress());
}

TEST_F(StreamTaskTest, NumbersCountCommitsOnly) {
  make(Duration(-1));
  EXPECT_EQ(task->committed_number(), -1);
  add(0, "a", 1);
  step();
  std::vector<log::OffsetToCommit> offsets;
  ASSERT_EQ(task->append_offsets(offsets, Writer(3)), std::nullopt);
  EXPECT_EQ(task->transaction_number(), next_transaction_number(-1, Writer(3)));
  EXPECT_EQ(task->committed_number(), -1);
  task->abort();
  EXPECT_EQ(task->transaction_number(), -1);
  step();
  commit();
  EXPECT_EQ(task->committed_number(), next_transaction_number(-1, Writer(5)));
}

TEST_F(StreamTaskTest, TimesAndNumbersAreTakenOverFromTheLastOwner) {
  make();
  add(0, "a", 70);
  add(1, "b", 80);
  take_all();
  const auto offsets = commit();
  task.reset();
  task.emplace(TaskId{0, Partition(0)}, *environment);
  for (std::size_t i = 0; i < 2; ++i) {
    for (const auto& offset : offsets) {
      if (offset.where == task->sources()[i])
        task->load(i, offset.next, decode_commit_metadata(offset.metadata));
    }
  }
  task->start({});
  EXPECT_EQ(task->committed_number(), next_transaction_number(-1, Writer(5)));
  EXPECT_EQ(task->stream_time(), from_ms(80));
  EXPECT_EQ(task->next_offset(0), Offset(101));
  task->abort();
  EXPECT_EQ(task->stream_time(), from_ms(80)) << "an abort goes back to what was committed";
}

}  // namespace
}  // namespace millrace::task
