#include "millrace/detail/graph_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "millrace/error.h"
#include "streams/topology/sample_graph.h"

namespace millrace::graph {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::line;
using testing::SampleGraph;

const NodeSpec& node(const SampleGraph& sample, NodeId id) {
  return sample.builder.nodes()[static_cast<std::size_t>(id.value())];
}

TEST(SourceLocation, PrintsFileAndLine) {
  // Without the folders, which differ from machine to machine.
  EXPECT_EQ(to_string(SourceLocation{"/home/me/src/flights.cc", 42}), "flights.cc:42");
  EXPECT_EQ(to_string(SourceLocation{"flights.cc", 1}), "flights.cc:1");
  EXPECT_EQ(to_string(SourceLocation{"C:\\src\\flights.cc", 7}), "flights.cc:7");
  EXPECT_EQ(to_string(SourceLocation{}), "unknown place");
  const std::string here = to_string(SourceLocation::current());
  EXPECT_EQ(here, "graph_builder_test.cc:" + std::to_string(__LINE__ - 1));
}

TEST(GraphBuilder, NamesNodes) {
  // The user's name, or word and place; two unnamed operators of one line can be told apart.
  SampleGraph sample;
  const NodeId in = sample.source({"in"}, 10);
  const NodeId a = sample.processor({in}, 12);
  const NodeId b = sample.processor({in}, 12);
  const NodeId c = sample.processor({in}, 12);
  const NodeId d = sample.processor({in}, 13);
  const NodeId e = sample.processor({in}, 12, "by-hand");
  EXPECT_EQ(node(sample, in).name, "stream@app.cc:10");
  EXPECT_EQ(node(sample, a).name, "filter@app.cc:12");
  EXPECT_EQ(node(sample, b).name, "filter@app.cc:12#2");
  EXPECT_EQ(node(sample, c).name, "filter@app.cc:12#3");
  EXPECT_EQ(node(sample, d).name, "filter@app.cc:13");
  EXPECT_EQ(node(sample, e).name, "by-hand");
  EXPECT_FALSE(node(sample, a).user_named);
  EXPECT_TRUE(node(sample, e).user_named);
}

TEST(GraphBuilder, KeepsChildrenInTheOrderOfAdding) {
  // SEMANTICS R-F1 rests on it.
  SampleGraph sample;
  const NodeId in = sample.source({"in"});
  const NodeId a = sample.processor({in});
  const NodeId b = sample.processor({a});
  const NodeId c = sample.processor({in});
  const NodeId d = sample.processor({c, b});
  EXPECT_THAT(node(sample, in).children, ElementsAre(a, c));
  EXPECT_THAT(node(sample, b).children, ElementsAre(d));
  EXPECT_THAT(node(sample, d).parents, ElementsAre(c, b));
}

TEST(GraphBuilder, FindsTheSourcesOfANode) {
  // All above it, each once, but nothing beyond an internal topic.
  SampleGraph sample;
  const NodeId a = sample.source({"a"}), b = sample.source({"b"}), c = sample.source({"c"});
  const NodeId left = sample.processor({a}), right = sample.processor({a, b});
  const NodeId merged = sample.processor({left, right});
  const NodeId moved = sample.repartition(merged, "moved");
  const NodeId last = sample.processor({moved, c});
  EXPECT_THAT(sample.builder.sources_of(merged), ElementsAre(a, b));
  EXPECT_THAT(sample.builder.sources_of(a), ElementsAre(a));
  EXPECT_THAT(sample.builder.sources_of(last), ElementsAre(c, moved));
}

TEST(GraphBuilder, ARepartitionIsASinkAndASource) {
  // Their names follow from the topic's, as in Kafka Streams.
  SampleGraph sample;
  const NodeId in = sample.source({"in"});
  const NodeId source = sample.repartition(in, "by-city", 3);
  ASSERT_EQ(sample.builder.repartitions().size(), 1u);
  const RepartitionSpec& spec = sample.builder.repartitions().front();
  EXPECT_EQ(spec.name, "by-city");
  EXPECT_EQ(spec.partitions, 3);
  EXPECT_EQ(spec.source, source);
  EXPECT_EQ(node(sample, spec.sink).name, "by-city-repartition-sink");
  EXPECT_EQ(node(sample, spec.source).name, "by-city-repartition-source");
  EXPECT_THAT(node(sample, spec.sink).topics, ElementsAre("by-city-repartition"));
  EXPECT_THAT(node(sample, spec.source).topics, ElementsAre("by-city-repartition"));
  EXPECT_THAT(node(sample, spec.sink).parents, ElementsAre(in));
  EXPECT_TRUE(node(sample, spec.source).parents.empty());
}

TEST(GraphBuilder, StoresAreMadeIfAnybodyNeedsThem) {
  // need_store() works before and after add_store().
  SampleGraph sample;
  for (const char* name : {"early", "late", "never"}) {
    if (name == std::string("early")) sample.builder.need_store(name);
    StoreSpec& spec = sample.store(name);
    spec.needed = false;
    sample.builder.add_store(spec);
  }
  sample.builder.need_store("late");
  EXPECT_TRUE(sample.builder.stores().at("early").needed);
  EXPECT_TRUE(sample.builder.stores().at("late").needed);
  EXPECT_FALSE(sample.builder.stores().at("never").needed);
}

TEST(GraphBuilder, LookupsNeedEqualPartitions) {
  // The reader's sources and the table's, noted with the operator.
  SampleGraph sample;
  const NodeId rows = sample.source({"rows"}), in = sample.source({"in"});
  const NodeId table = sample.processor({rows});
  const NodeId join = sample.processor({in});
  sample.builder.connect_lookup(join, table, "left_join", line(9));
  ASSERT_EQ(sample.builder.copartition_groups().size(), 1u);
  const CopartitionGroup& group = sample.builder.copartition_groups().front();
  EXPECT_EQ(group.what, "left_join");
  EXPECT_EQ(group.where.line, 9u);
  EXPECT_THAT(group.sources, ElementsAre(rows, in));
  ASSERT_EQ(sample.builder.lookups().size(), 1u);
  EXPECT_EQ(sample.builder.lookups()[0].table, table);
}

TEST(GraphBuilder, ALeftJoinKeepsNullKeysInAllTopicsAboveIt) {
  // KIP-962: directly or through other internal topics; topics beside it go on dropping them.
  SampleGraph sample;
  const NodeId in = sample.source({"in"});
  const NodeId first = sample.repartition(in, "first");
  const NodeId beside = sample.repartition(in, "beside");
  const NodeId second = sample.repartition(sample.processor({first}), "second");
  const NodeId join = sample.processor({second});
  const NodeId below = sample.repartition(join, "below");
  sample.builder.keep_null_keys_above(join);
  std::vector<std::pair<std::string, bool>> kept;
  for (const RepartitionSpec& spec : sample.builder.repartitions()) {
    kept.emplace_back(spec.name, spec.keep_null_keys);
  }
  EXPECT_THAT(kept, ElementsAre(std::pair("first", true), std::pair("beside", false),
                                std::pair("second", true), std::pair("below", false)));
  static_cast<void>(beside), static_cast<void>(below);
}

TEST(GraphBuilder, IsFinishedByBuild) {
  // Handles that were kept say so instead of writing into nothing.
  SampleGraph sample;
  const NodeId in = sample.source({"in"});
  sample.sink(in, "out");
  const BuiltGraph graph = sample.build();
  const std::string rest =
      " is used after build(): a builder makes one topology, and its streams and tables end with "
      "it";
  EXPECT_EQ(error_of<TopologyError>([&] { sample.processor({in}, 20); }),
            "millrace: app.cc:20: filter" + rest);
  EXPECT_EQ(error_of<TopologyError>([&] { sample.source({"b"}, 21); }),
            "millrace: app.cc:21: stream" + rest);
  EXPECT_EQ(error_of<TopologyError>([&] { sample.sink(in, "b", 22); }),
            "millrace: app.cc:22: to" + rest);
  EXPECT_EQ(error_of<TopologyError>([&] { sample.repartition(in, "b", 1, 23); }),
            "millrace: app.cc:23: repartition" + rest);
  EXPECT_EQ(error_of<TopologyError>([&] { sample.add_store("s", 24); }),
            "millrace: app.cc:24: a store" + rest);
  EXPECT_EQ(error_of<TopologyError>([&] { sample.builder.sources_of(in); }),
            "millrace: the builder" + rest);
  EXPECT_EQ(error_of<TopologyError>([&] { sample.build(); }), "millrace: the builder" + rest);
}

}  // namespace
}  // namespace millrace::graph
