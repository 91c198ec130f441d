// A punctuation is a step of its task: taken between records, part of the transaction, repeated with
// the same readings of the clock after an abort.
#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <stdexcept>

#include "millrace/detail/processor_host.h"
#include "streams/topology/sample_graph.h"
#include "task/stream_task.h"

namespace millrace::task {
namespace {

using graph::testing::SampleGraph;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = StreamTask::Step::Kind;

// Notes records and its own calls, with the clock; values "later" and "commit" ask for that.
class TickingNode final : public graph::Input<std::string, std::string> {
 public:
  TickingNode(std::string& notes, const bool& fails) : notes_(notes), fails_(fails) {}
  Node* clone() const override { return new TickingNode(*this); }
  void init(graph::NodeContext& context) override {
    host_ = &context.processor_host();
    schedule("s", PunctuationType::kStreamTime);
    schedule("w", PunctuationType::kWallClockTime);
  }
  void process(const std::string& key, const std::string& value,
               const RecordContext& context) override {
    note(value);
    if (value == "later") schedule("l", PunctuationType::kWallClockTime);
    if (value == "commit") host_->request_commit();
    forward(key, value, context);
  }

 private:
  void schedule(const char* name, PunctuationType type) {
    host_->schedule(*this, Duration(10), type, [this, name](Timestamp now) {
      if (fails_) throw std::runtime_error("cannot stand it");
      note(name + std::to_string(to_ms(now)));
    });
  }
  void note(const std::string& what) {
    notes_ += what + '@' + std::to_string(to_ms(host_->system_time())) + ' ';
  }

  std::string& notes_;
  const bool& fails_;
  graph::ProcessorHost* host_ = nullptr;
};

class PunctuationStep : public ::testing::Test {
 protected:
  PunctuationStep() {
    const auto a = sample.source({"a"});
    const auto node = sample.builder.add_processor({"process", "ticking", {"app.cc", 7}}, {a},
                                                   new TickingNode(notes, fails), {});
    sample.sink(node, "out");
    built.reset(new graph::BuiltGraph(sample.build()));
    plan = graph::plan_topics(*built, "app", {{"a", 1}, {"out", 1}});
    environment.emplace(TaskEnvironment{*built, plan, "app", output, Duration(0), false});
    start(Offset(100), {});
  }
  void start(Offset next_offset, const CommitMetadata& metadata) {
    task.reset();
    task.emplace(TaskId{0, Partition(0)}, *environment);
    task->load(0, next_offset, metadata);
    task->start(wall);
  }
  void add(const std::string& value, std::int64_t at) {
    RecordView record{};
    record.key = BytesView("k");
    record.value = value;
    record.timestamp = from_ms(at);
    record.offset = Offset(next++);
    task->add(0, record);
  }
  // Takes all it can at this time of the wall clock; returns what happened.
  std::string run(std::int64_t wall_ms) {
    notes.clear();
    wall = from_ms(wall_ms);
    while (task->step({true}, {Duration(0), wall}).kind == Kind::kRan) {
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
  bool fails = false;
  SampleGraph sample;
  std::unique_ptr<graph::BuiltGraph> built;
  graph::TopicPlan plan;
  OutputBuffer output;
  std::optional<TaskEnvironment> environment;
  std::optional<StreamTask> task;
  std::int64_t next = 100;
  Timestamp wall{};
};

TEST_F(PunctuationStep, ItComesRightAfterTheRecordThatMovedTime) {
  for (const int at : {3, 9, 10, 35, 39, 40, 20}) add("r" + std::to_string(at), at);
  EXPECT_EQ(run(5), "r3@5 s3@5 r9@5 r10@5 s10@5 r35@5 s35@5 r39@5 r40@5 s40@5 r20@5 ");
}

TEST_F(PunctuationStep, ARecordAtTheEndOfTimeIsFollowedByOneCall) {
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  add("never", kEnd);
  add("a", 12);
  notes.clear();
  for (int i = 0; i < 10; ++i) task->step({true}, {Duration(0), from_ms(5)});
  EXPECT_EQ(notes, "never@5 s" + std::to_string(kEnd) + "@5 a@5 ");
  EXPECT_EQ(task->next_time(from_ms(5)), std::nullopt);
}

TEST_F(PunctuationStep, TheWallClockMakesItDueBetweenRecordsAndWithoutThem) {
  EXPECT_EQ(task->next_punctuation(), from_ms(10));
  EXPECT_EQ(task->next_time(from_ms(9)), std::nullopt);
  EXPECT_EQ(task->next_time(from_ms(10)), kNoTimestamp);
  EXPECT_FALSE(task->has_progress());
  EXPECT_EQ(run(12), "w12@12 ");
  EXPECT_TRUE(task->has_progress()) << "it may have sent something";
  commit();
  EXPECT_FALSE(task->has_progress());
  add("a", 1);
  EXPECT_EQ(run(45), "w45@45 a@45 s1@45 ");
  EXPECT_EQ(task->next_punctuation(), from_ms(50));
}

TEST_F(PunctuationStep, AReplayRepeatsCallsInTheirPlaceWithTheirTimes) {
  std::string all = run(9);
  add("a", 12);
  all += run(10);
  add("b", 13);
  all += run(14);
  add("later", 25);
  all += run(21);
  all += run(33);
  EXPECT_EQ(all, "w10@10 a@10 s12@10 b@14 w21@21 later@21 s25@21 w33@33 l33@33 ");
  task->abort();
  EXPECT_TRUE(task->replaying());
  add("c", 31);
  EXPECT_EQ(run(34), all + "c@34 s31@34 ");
  task->abort();
  EXPECT_EQ(run(34), all + "c@34 s31@34 ");
}

TEST_F(PunctuationStep, ACommitInMidReplayLeavesTheRest) {
  add("a", 12);
  add("later", 25);
  const std::string all = run(10) + run(30);
  task->abort();
  notes.clear();
  for (int i = 0; i < 2; ++i) task->step({true}, {Duration(0), from_ms(31)});
  commit();
  const std::string first = notes;
  EXPECT_EQ(first + run(31), all);
}

TEST_F(PunctuationStep, AScheduleMadeOutsideInitEndsWithAnAbort) {
  add("later", 1);
  EXPECT_EQ(run(5), "later@5 s1@5 ");
  commit();
  EXPECT_EQ(run(15), "w15@15 l15@15 ");
  task->abort();
  EXPECT_EQ(run(15), "w15@15 ") << "what cannot be repeated is left out";
  EXPECT_FALSE(task->replaying());
}

TEST_F(PunctuationStep, StreamTimeSchedulesGoOnAfterARestart) {
  add("a", 12);
  run(5);
  const auto offsets = commit();
  ASSERT_EQ(offsets.size(), 1u);
  const CommitMetadata metadata = decode_commit_metadata(offsets[0].metadata);
  std::map<std::string, std::int64_t> persisted;
  for (const auto& [name, value] : metadata.entries) persisted[name] = value;
  EXPECT_EQ(persisted["ticking:p0"], 20);
  start(offsets[0].next, metadata);
  add("b", 19);
  add("c", 20);
  EXPECT_EQ(run(5), "b@5 c@5 s20@5 ");
}

TEST_F(PunctuationStep, AFailureNamesThePunctuationAndItsNode) {
  fails = true;
  add("a", 12);
  task->step({true}, {Duration(0), from_ms(1)});
  const auto failed = task->step({true}, {Duration(0), from_ms(1)});
  EXPECT_EQ(failed.kind, Kind::kFailed);
  EXPECT_THAT(failed.failure.text,
              AllOf(HasSubstr("task 0_0"), HasSubstr("punctuation by stream time at 12 ms"),
                    HasSubstr("node ticking"), HasSubstr("cannot stand it")));
  task->abort();
  fails = false;
  EXPECT_EQ(run(1), "a@1 s12@1 ");
}

TEST_F(PunctuationStep, ACommitIsAskedForUntilItCame) {
  add("commit", 1);
  run(1);
  EXPECT_TRUE(task->commit_requested());
  commit();
  EXPECT_FALSE(task->commit_requested());
}

}  // namespace
}  // namespace millrace::task
