#include "topology/subtopologies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "streams/topology/sample_graph.h"

namespace millrace::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::line;
using testing::SampleGraph;

TEST(Subtopologies, TopicsSeparate) {
  // SEMANTICS §3.1: an internal topic is a border, and so is a topic that the graph writes and
  // reads.
  SampleGraph sample;
  const NodeId in = sample.source({"in"});
  const NodeId moved = sample.repartition(in, "moved");
  const NodeId out = sample.sink(moved, "between");
  const NodeId again = sample.source({"between"});
  const NodeId end = sample.sink(again, "out");
  const BuiltGraph graph = sample.build();

  ASSERT_EQ(graph.subtopologies().size(), 3u);
  const Subtopology& first = graph.subtopologies()[0];
  EXPECT_EQ(first.id, 0);
  EXPECT_THAT(first.nodes, ElementsAre(in, graph.repartitions()[0].sink));
  EXPECT_THAT(first.sources, ElementsAre(in));
  EXPECT_THAT(first.source_topics, ElementsAre("in"));
  EXPECT_THAT(first.sink_topics, ElementsAre("moved-repartition"));
  const Subtopology& second = graph.subtopologies()[1];
  EXPECT_EQ(second.id, 1);
  EXPECT_THAT(second.nodes, ElementsAre(moved, out));
  EXPECT_THAT(second.source_topics, ElementsAre("moved-repartition"));
  EXPECT_THAT(second.sink_topics, ElementsAre("between"));
  EXPECT_THAT(graph.subtopologies()[2].nodes, ElementsAre(again, end));
}

TEST(Subtopologies, NodesStoresAndLookupsConnect) {
  // Whoever shares a parent, a store or a table must run in one task.
  SampleGraph sample;
  for (const char* store : {"shared", "alone", "rows"}) sample.add_store(store);
  const NodeId a = sample.source({"a"}), b = sample.source({"b"}), c = sample.source({"c"});
  const NodeId d = sample.source({"d"}), e = sample.source({"e"});
  sample.processor({a}, 2, "writes", {"shared"});
  sample.processor({b}, 2, "reads", {"shared"});
  const NodeId table = sample.processor({c}, 2, "table", {"rows"});
  const NodeId join = sample.processor({d}, 2, "join");
  sample.builder.connect_lookup(join, table, "join", line(3));
  sample.processor({e}, 2, "by-itself", {"alone"});
  const BuiltGraph graph = sample.build();

  ASSERT_EQ(graph.subtopologies().size(), 3u);
  EXPECT_THAT(graph.subtopologies()[0].source_topics, ElementsAre("a", "b"));
  EXPECT_THAT(graph.subtopologies()[0].stores, ElementsAre("shared"));
  EXPECT_THAT(graph.subtopologies()[1].source_topics, ElementsAre("c", "d"));
  EXPECT_THAT(graph.subtopologies()[1].stores, ElementsAre("rows"));
  EXPECT_THAT(graph.subtopologies()[2].source_topics, ElementsAre("e"));
  EXPECT_THAT(graph.subtopologies()[2].stores, ElementsAre("alone"));
}

TEST(Subtopologies, AreNumberedByTheirFirstNode) {
  // A late operator that connects two does not renumber those before.
  SampleGraph sample;
  const NodeId a = sample.source({"a"}), b = sample.source({"b"}), c = sample.source({"c"});
  sample.sink(b, "b-out");
  const NodeId merged = sample.processor({c, a});
  const BuiltGraph graph = sample.build();
  ASSERT_EQ(graph.subtopologies().size(), 2u);
  EXPECT_THAT(graph.subtopologies()[0].nodes, ElementsAre(a, c, merged));
  EXPECT_THAT(graph.subtopologies()[0].source_topics, ElementsAre("a", "c"));
  EXPECT_EQ(graph.subtopologies()[1].id, 1);
}

TEST(Subtopologies, AnInternalTopicMayLeadBackIntoTheSame) {
  // A stream that meets, repartitioned, the table that it met before.
  SampleGraph sample;
  const NodeId rows = sample.source({"rows"}), in = sample.source({"in"});
  const NodeId table = sample.processor({rows}, 2, "table");
  const NodeId first = sample.processor({in}, 2, "first");
  sample.builder.connect_lookup(first, table, "join", line(3));
  const NodeId second = sample.processor({sample.repartition(first, "back")}, 2, "second");
  sample.builder.connect_lookup(second, table, "join", line(4));
  const BuiltGraph graph = sample.build();
  ASSERT_EQ(graph.subtopologies().size(), 1u);
  EXPECT_THAT(graph.subtopologies()[0].source_topics,
              ElementsAre("back-repartition", "in", "rows"));
  EXPECT_THAT(graph.subtopologies()[0].sink_topics, ElementsAre("back-repartition"));
}

TEST(Subtopologies, StoresThatNobodyNeedsAreNotMade) {
  // A table's own store may stay a declaration.
  SampleGraph sample;
  StoreSpec& spec = sample.store("rows");
  spec.needed = false;
  sample.builder.add_store(spec);
  sample.processor({sample.source({"in"})}, 2, "table", {"rows"});
  const BuiltGraph graph = sample.build();
  EXPECT_THAT(graph.subtopologies()[0].stores, IsEmpty());
}

}  // namespace
}  // namespace millrace::graph
