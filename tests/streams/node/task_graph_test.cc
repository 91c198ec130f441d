#include "task/task_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "streams/node/sample_nodes.h"
#include "topology/built_graph.h"

namespace millrace::task {
namespace {

using graph::BuiltGraph;
using graph::GraphBuilder;
using graph::NodeError;
using graph::NodeId;
using graph::testing::FailingNode;
using graph::testing::FakeContext;
using graph::testing::PassNode;
using graph::testing::Text;
using graph::testing::text_sink;
using graph::testing::text_source;
using graph::testing::Trace;
using ::testing::ElementsAre;

// in → a → (b, c) → out
struct Diamond {
  explicit Diamond(Trace& trace) {
    in = builder.add_source({"stream", "in", {}}, {"topic", "other-topic"}, text_source());
    a = builder.add_processor({"pass", "a", {}}, {in}, new PassNode(trace));
    b = builder.add_processor({"pass", "b", {}}, {a}, new PassNode(trace));
    c = builder.add_processor({"pass", "c", {}}, {a}, new PassNode(trace));
    d = builder.add_processor({"merge", "d", {}}, {b, c}, new PassNode(trace));
    out = builder.add_sink({"to", "out", {}}, d, "results", text_sink("results"));
  }
  GraphBuilder builder;
  NodeId in, a, b, c, d, out;
};

void run(TaskGraph& nodes, std::string_view topic, std::string_view value) {
  const auto slot = nodes.source(topic).make_slot();
  RecordContext context = graph::testing::context_at(1);
  slot->decode({"k", value, {}, {}}, context, kNoTimestamp);
  slot->process(context);
}

TEST(TaskGraph, RunsARecordThroughItsClones) {
  // Nodes are initialized parents first, connected in the order of the graph, closed children
  // first.
  Trace trace;
  Diamond diamond(trace);
  const BuiltGraph graph(std::move(diamond.builder));
  FakeContext context;
  TaskGraph nodes(graph, graph.subtopologies().front());
  nodes.build(context);
  EXPECT_THAT(trace, ElementsAre("init a", "init b", "init c", "init d"));

  trace.clear();
  run(nodes, "topic", "1");
  EXPECT_THAT(trace, ElementsAre("a 1", "b 1", "d 1", "c 1", "d 1"));
  EXPECT_EQ(context.sent.size(), 2u);
  EXPECT_EQ(&nodes.source("topic"), &nodes.source("other-topic"));
  EXPECT_EQ(&nodes.source("topic"), &nodes.node(diamond.in));
  EXPECT_EQ(nodes.node(diamond.d).name(), "d");
  EXPECT_THAT(nodes.node(diamond.d).parents(),
              ElementsAre(&nodes.node(diamond.b), &nodes.node(diamond.c)));

  trace.clear();
  EXPECT_EQ(nodes.reset(), std::nullopt);
  EXPECT_THAT(trace, ElementsAre("close d", "close c", "close b", "close a"));
  EXPECT_EQ(nodes.reset(), std::nullopt);
  EXPECT_EQ(trace.size(), 4u);
}

// Counts what passed, in a member: lives until the next abort.
class CountingNode final : public graph::Input<Text, Text> {
 public:
  explicit CountingNode(Trace& trace) : trace_(trace) {}
  Node* clone() const override { return new CountingNode(*this); }
  void process(const Text&, const Text&, const RecordContext&) override {
    trace_.push_back(std::to_string(++count_));
  }

 private:
  Trace& trace_;
  int count_ = 0;
};

TEST(TaskGraph, TasksAndAttemptsShareNothing) {
  // Two tasks count apart, and an aborted task begins anew.
  Trace trace;
  GraphBuilder builder;
  const NodeId in = builder.add_source({"stream", {}, {}}, {"topic"}, text_source());
  builder.add_processor({"process", {}, {}}, {in}, new CountingNode(trace));
  const BuiltGraph graph(std::move(builder));
  FakeContext context;
  TaskGraph first(graph, graph.subtopologies().front());
  TaskGraph second(graph, graph.subtopologies().front());
  first.build(context);
  second.build(context);

  run(first, "topic", "x");
  run(first, "topic", "x");
  run(second, "topic", "x");
  EXPECT_THAT(trace, ElementsAre("1", "2", "1"));

  trace.clear();
  first.reset();
  first.build(context);
  run(first, "topic", "x");
  run(second, "topic", "x");
  EXPECT_THAT(trace, ElementsAre("1", "2"));
}

TEST(TaskGraph, AFailingInitSaysWhichAndLeavesNothing) {
  // Nodes before the failing one are closed, those after it were never initialized; a second
  // attempt may follow.
  Trace trace;
  GraphBuilder builder;
  const NodeId in = builder.add_source({"stream", {}, {}}, {"topic"}, text_source());
  const NodeId a = builder.add_processor({"pass", "a", {}}, {in}, new PassNode(trace));
  const NodeId bad =
      builder.add_processor({"process", "bad", {}}, {a}, new FailingNode(FailingNode::When::kInit));
  builder.add_processor({"pass", "c", {}}, {bad}, new PassNode(trace));
  const BuiltGraph graph(std::move(builder));
  FakeContext context;
  TaskGraph nodes(graph, graph.subtopologies().front());
  for (int attempt = 0; attempt < 2; ++attempt) {
    trace.clear();
    try {
      nodes.build(context);
      FAIL() << "the exception was lost";
    } catch (const NodeError& e) {
      EXPECT_EQ(e.node(), "bad");
      EXPECT_THROW(e.rethrow_nested(), std::domain_error);
    }
    EXPECT_THAT(trace, ElementsAre("init a", "close a"));
  }
}

TEST(TaskGraph, AFailingCloseStopsNobodyElsesClose) {
  // Every node is closed; the caller hears of the first failure.
  Trace trace;
  GraphBuilder builder;
  const NodeId in = builder.add_source({"stream", {}, {}}, {"topic"}, text_source());
  const NodeId a = builder.add_processor({"pass", "a", {}}, {in}, new PassNode(trace));
  for (const char* name : {"worse", "bad"}) {  // closed in the other order
    builder.add_processor({"process", name, {}}, {a}, new FailingNode(FailingNode::When::kClose));
  }
  const BuiltGraph graph(std::move(builder));
  FakeContext context;
  TaskGraph nodes(graph, graph.subtopologies().front());
  nodes.build(context);
  EXPECT_EQ(nodes.reset(), "node bad failed to close: no such thing");
  EXPECT_THAT(trace, ElementsAre("init a", "close a"));
}

TEST(TaskGraph, HoldsOneSubtopologyOnly) {
  // Each task clones what it needs, and no more.
  Trace trace;
  GraphBuilder builder;
  const NodeId in = builder.add_source({"stream", {}, {}}, {"topic"}, text_source());
  const auto middle =
      builder.add_repartition({"repartition", {}, {}}, in, "by-city", std::nullopt,
                              text_sink(GraphBuilder::repartition_topic("by-city")), text_source());
  builder.add_processor({"pass", "last", {}}, {middle.source}, new PassNode(trace));
  const BuiltGraph graph(std::move(builder));
  ASSERT_EQ(graph.subtopologies().size(), 2u);
  FakeContext context;
  TaskGraph upper(graph, graph.subtopologies()[0]);
  TaskGraph lower(graph, graph.subtopologies()[1]);
  upper.build(context);
  EXPECT_TRUE(trace.empty());
  lower.build(context);
  EXPECT_THAT(trace, ElementsAre("init last"));
  run(upper, "topic", "v");
  EXPECT_EQ(context.sent.size(), 1u);
  run(lower, "by-city-repartition", "v");
  EXPECT_EQ(trace.back(), "last v");
}

TEST(TaskGraph, ContextsFindNodesWhileTheyAreInitialized) {
  // A join looks its table up in init().
  class LookingNode final : public graph::Input<Text, Text> {
   public:
    explicit LookingNode(NodeId table) : table_(table) {}
    Node* clone() const override { return new LookingNode(*this); }
    void init(graph::NodeContext& context) override { found_ = context.node(table_).name(); }
    void process(const Text&, const Text&, const RecordContext&) override {
      EXPECT_EQ(found_, "the-table");
    }

   private:
    NodeId table_;
    std::string found_;
  };
  class LookingContext final : public graph::NodeContext {
   public:
    TaskGraph* nodes = nullptr;
    TaskId task_id() const override { return {}; }
    state::Store* store(std::string_view) override { return nullptr; }
    state::TaskMemory& memory() override { return inner_.memory(); }
    graph::RecordCollector& collector() override { return inner_.collector(); }
    graph::SinkTarget sink(std::string_view topic) override { return inner_.sink(topic); }
    graph::Node& node(NodeId id) override { return nodes->node(id); }

   private:
    FakeContext inner_;
  };

  Trace trace;
  GraphBuilder builder;
  const NodeId rows = builder.add_source({"table", {}, {}}, {"rows"}, text_source());
  const NodeId table =
      builder.add_processor({"table", "the-table", {}}, {rows}, new PassNode(trace));
  const NodeId in = builder.add_source({"stream", {}, {}}, {"topic"}, text_source());
  const NodeId join = builder.add_processor({"join", {}, {}}, {in}, new LookingNode(table));
  builder.connect_lookup(join, table, "join", {});
  const BuiltGraph graph(std::move(builder));
  ASSERT_EQ(graph.subtopologies().size(), 1u);
  LookingContext context;
  TaskGraph nodes(graph, graph.subtopologies().front());
  context.nodes = &nodes;
  nodes.build(context);
  run(nodes, "topic", "v");
}

}  // namespace
}  // namespace millrace::task
