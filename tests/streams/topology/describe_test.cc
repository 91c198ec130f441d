#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "millrace/topology.h"
#include "streams/topology/sample_graph.h"

namespace millrace::graph {
namespace {

using testing::line;
using testing::SampleGraph;

std::string describe(SampleGraph sample) { return Topology(std::move(sample.builder)).describe(); }

TEST(Describe, IsKafkaStreamsText) {
  // SEMANTICS §3.2, byte by byte: stream(I).groupByKey().count().
  SampleGraph sample;
  sample.add_store("KSTREAM-AGGREGATE-STATE-STORE-0000000001");
  const NodeId in = sample.source({"I"}, 1, "KSTREAM-SOURCE-0000000000");
  sample.processor({in}, 2, "KSTREAM-AGGREGATE-0000000002",
                   {"KSTREAM-AGGREGATE-STATE-STORE-0000000001"});
  EXPECT_EQ(describe(std::move(sample)),
            "Topologies:\n"
            "   Sub-topology: 0\n"
            "    Source: KSTREAM-SOURCE-0000000000 (topics: [I])\n"
            "      --> KSTREAM-AGGREGATE-0000000002\n"
            "    Processor: KSTREAM-AGGREGATE-0000000002 (stores: "
            "[KSTREAM-AGGREGATE-STATE-STORE-0000000001])\n"
            "      --> none\n"
            "      <-- KSTREAM-SOURCE-0000000000\n"
            "\n");
}

TEST(Describe, InternalTopicsStandWithoutTheApplicationId) {
  // The first sub-topology's line has three blanks in front, later ones two; each ends with an
  // empty line.
  SampleGraph sample;
  sample.add_store("counts");
  const NodeId in = sample.source({"lines"}, 10);
  const NodeId words = sample.processor({in}, 11);
  const NodeId moved = sample.repartition(words, "by-word", {}, 12);
  const NodeId counts = sample.processor({moved}, 13, "count", {"counts"});
  sample.sink(counts, "results", 14);
  EXPECT_EQ(describe(std::move(sample)),
            "Topologies:\n"
            "   Sub-topology: 0\n"
            "    Source: stream@app.cc:10 (topics: [lines])\n"
            "      --> filter@app.cc:11\n"
            "    Processor: filter@app.cc:11 (stores: [])\n"
            "      --> by-word-repartition-sink\n"
            "      <-- stream@app.cc:10\n"
            "    Sink: by-word-repartition-sink (topic: by-word-repartition)\n"
            "      <-- filter@app.cc:11\n"
            "\n"
            "  Sub-topology: 1\n"
            "    Source: by-word-repartition-source (topics: [by-word-repartition])\n"
            "      --> count\n"
            "    Processor: count (stores: [counts])\n"
            "      --> to@app.cc:14\n"
            "      <-- by-word-repartition-source\n"
            "    Sink: to@app.cc:14 (topic: results)\n"
            "      <-- count\n"
            "\n");
}

TEST(Describe, OrdersNodesBySubtreeThenByName) {
  // Greater subtrees first, in the sub-topology and in the lists; equal ones by name. A node
  // reached on two ways counts twice, as in Kafka Streams.
  SampleGraph sample;
  const NodeId in = sample.source({"b", "a"}, 1, "in");
  const NodeId small = sample.processor({in}, 2, "a-small");
  const NodeId big = sample.processor({in}, 3, "z-big");
  const NodeId left = sample.processor({big}, 4, "left");
  const NodeId right = sample.processor({big}, 5, "right");
  sample.processor({left, right}, 6, "both");
  sample.sink(small, "out", 7, "sink");
  EXPECT_EQ(describe(std::move(sample)),
            "Topologies:\n"
            "   Sub-topology: 0\n"
            "    Source: in (topics: [b, a])\n"
            "      --> z-big, a-small\n"
            "    Processor: z-big (stores: [])\n"
            "      --> left, right\n"
            "      <-- in\n"
            "    Processor: a-small (stores: [])\n"
            "      --> sink\n"
            "      <-- in\n"
            "    Processor: left (stores: [])\n"
            "      --> both\n"
            "      <-- z-big\n"
            "    Processor: right (stores: [])\n"
            "      --> both\n"
            "      <-- z-big\n"
            "    Processor: both (stores: [])\n"
            "      --> none\n"
            "      <-- left, right\n"
            "    Sink: sink (topic: out)\n"
            "      <-- a-small\n"
            "\n");
}

TEST(Describe, AStreamMergedWithItselfStandsInListsOnce) {
  // It is delivered twice, but it is one node.
  SampleGraph sample;
  const NodeId in = sample.source({"I"}, 1, "in");
  sample.processor({in, in}, 2, "merge");
  EXPECT_EQ(describe(std::move(sample)),
            "Topologies:\n"
            "   Sub-topology: 0\n"
            "    Source: in (topics: [I])\n"
            "      --> merge\n"
            "    Processor: merge (stores: [])\n"
            "      --> none\n"
            "      <-- in\n"
            "\n");
}

TEST(Describe, ReadersOfTablesShowTheStoresTheyRead) {
  // As in Kafka Streams a join shows the store that its rows come from, through tables that keep
  // nothing themselves. Stores that are not made are not shown. Lists are sorted.
  SampleGraph sample;
  for (const char* name : {"rows", "kept-rows", "z-own", "a-own"}) sample.add_store(name);
  StoreSpec& unneeded = sample.store("unneeded");
  unneeded.needed = false;
  sample.builder.add_store(unneeded);
  const NodeId rows = sample.source({"rows"}, 1, "rows-source");
  const NodeId table = sample.processor({rows}, 2, "table", {"rows"});
  const NodeId filtered = sample.processor({table}, 3, "filtered", {"unneeded"});
  const NodeId in = sample.source({"in"}, 4, "in-source");
  const NodeId join = sample.processor({in}, 5, "join", {"z-own", "a-own"});
  sample.builder.connect_lookup(join, filtered, "join", line(5));
  const NodeId kept = sample.processor({table}, 6, "kept", {"kept-rows"});
  const NodeId second = sample.processor({join}, 7, "second");
  sample.builder.connect_lookup(second, kept, "join", line(7));
  EXPECT_EQ(describe(std::move(sample)),
            "Topologies:\n"
            "   Sub-topology: 0\n"
            "    Source: rows-source (topics: [rows])\n"
            "      --> table\n"
            "    Source: in-source (topics: [in])\n"
            "      --> join\n"
            "    Processor: table (stores: [rows])\n"
            "      --> filtered, kept\n"
            "      <-- rows-source\n"
            "    Processor: join (stores: [a-own, rows, z-own])\n"
            "      --> second\n"
            "      <-- in-source\n"
            "    Processor: filtered (stores: [])\n"
            "      --> none\n"
            "      <-- table\n"
            "    Processor: kept (stores: [kept-rows])\n"
            "      --> none\n"
            "      <-- table\n"
            "    Processor: second (stores: [kept-rows])\n"
            "      --> none\n"
            "      <-- join\n"
            "\n");
}

}  // namespace
}  // namespace millrace::graph
