// Sources that stamp records by the wall clock: an abort and its replay change no stamp.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "streams/topology/sample_graph.h"
#include "task/stream_task.h"

namespace millrace::task {
namespace {

using graph::testing::SampleGraph;
using Kind = StreamTask::Step::Kind;

class StampNoting final : public graph::Input<std::string, std::string> {
 public:
  explicit StampNoting(std::string& notes) : notes_(notes) {}
  Node* clone() const override { return new StampNoting(*this); }
  void process(const std::string&, const std::string& value,
               const RecordContext& context) override {
    notes_ += value + '@' + std::to_string(to_ms(context.timestamp)) + ' ';
  }

 private:
  std::string& notes_;
};

class WallClockSource : public ::testing::Test {
 protected:
  WallClockSource() {
    SampleGraph sample;
    graph::SourceOptions<std::string, std::string> by_wall_clock{
        default_serde<std::string>(), default_serde<std::string>(), {}, {}};
    by_wall_clock.by_wall_clock = true;
    const auto a =
        sample.builder.add_source({"stream", {}, {"app.cc", 5}}, {"a"},
                                  new graph::SourceNode<std::string, std::string>(by_wall_clock));
    const auto b = sample.source({"b"});
    sample.builder.add_processor({"filter", "noting", {"app.cc", 7}}, {a, b},
                                 new StampNoting(notes), {});
    built.reset(new graph::BuiltGraph(sample.build()));
    plan = graph::plan_topics(*built, "app", {{"a", 1}, {"b", 1}});
    environment.emplace(TaskEnvironment{*built, plan, "app", output, Duration(-1), false});
    task.emplace(TaskId{0, Partition(0)}, *environment);
    for (std::size_t i = 0; i < task->sources().size(); ++i) task->load(i, Offset(0), {});
    task->start({});
  }
  void add(std::size_t source, const std::string& value, std::int64_t at) {
    RecordView record{};
    record.key = BytesView("k");
    record.value = value;
    record.timestamp = from_ms(at);
    record.offset = Offset(next[source]++);
    task->add(source, record);
  }
  // One pass of a worker, at this time.
  std::string pass(std::int64_t wall, int most = 100) {
    notes.clear();
    for (int i = 0; i < most && task->next_time(from_ms(wall)); ++i) {
      if (task->step({true, true}, {Duration(wall), from_ms(wall)}).kind != Kind::kRan) break;
    }
    task->next_time(from_ms(wall));
    return notes;
  }

  std::string notes;
  std::unique_ptr<graph::BuiltGraph> built;
  graph::TopicPlan plan;
  OutputBuffer output;
  std::optional<TaskEnvironment> environment;
  std::optional<StreamTask> task;
  std::int64_t next[2] = {0, 0};
};

TEST_F(WallClockSource, ARecordThatWasLookedAtEarlierIsStampedTheSameInAReplay) {
  add(0, "a", 1);
  add(1, "b", 2);
  EXPECT_EQ(pass(100, 1), "b@2 ") << "the other is looked at, and is later";
  std::string all = "b@2 " + pass(150);
  EXPECT_EQ(all, "b@2 a@150 ") << "when it is taken";
  EXPECT_EQ(task->stream_time(), from_ms(150));
  task->abort();
  EXPECT_EQ(pass(200), all);
  add(0, "c", 3);
  all += pass(250);
  task->abort();
  EXPECT_EQ(pass(300), all);
  EXPECT_EQ(task->stream_time(), from_ms(250));
}

TEST_F(WallClockSource, AlsoWhereItWasLookedAtInAnEarlierTransaction) {
  add(0, "a", 1);
  add(1, "b", 2);
  EXPECT_EQ(pass(100, 1), "b@2 ");
  std::vector<log::OffsetToCommit> offsets;
  EXPECT_EQ(task->append_offsets(offsets, Writer(1)), std::nullopt);
  task->commit({});
  EXPECT_EQ(pass(150), "a@150 ");
  task->abort();
  EXPECT_EQ(pass(200), "a@150 ");
}

}  // namespace
}  // namespace millrace::task
