#include "topology/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <typeinfo>

#include "millrace/topology.h"
#include "streams/topology/sample_graph.h"

namespace millrace::graph {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::IsEmpty;
using testing::line;
using testing::SampleGraph;

// A graph without mistakes, to which each test adds one.
struct Valid : SampleGraph {
  NodeId in = source({"in"}, 1);
  Valid() { sink(in, "out", 2); }
};

auto mistakes(const SampleGraph& sample) { return find_mistakes(sample.builder); }

TEST(Validation, FindsNothingInASoundGraph) {
  // Several sinks may write one topic, also one that the graph reads, and stores may have the name
  // of an operator or of a repartition.
  Valid sample;
  sample.sink(sample.in, "out", 3);
  sample.sink(sample.in, "in", 4);
  sample.add_store("counts");
  sample.processor({sample.repartition(sample.in, "counts")}, 5, "counts", {"counts"});
  EXPECT_THAT(mistakes(sample), IsEmpty());
}

TEST(Validation, AnEmptyTopology) {
  // It would start, wait for ever and do nothing.
  EXPECT_THAT(
      mistakes(SampleGraph()),
      ElementsAre("millrace: the topology is empty: begin with stream() or table(), and end "
                  "with to()"));
}

TEST(Validation, NamesUsedTwice) {
  // By two operators, two repartitions or two stores; the place of the first is named, too.
  Valid sample;
  sample.processor({sample.in}, 10, "twice");
  sample.processor({sample.in}, 11, "twice");
  sample.add_store("counts", 12);
  sample.add_store("counts", 13);
  sample.processor({sample.repartition(sample.in, "moved", {}, 14)}, 15);
  sample.processor({sample.repartition(sample.in, "moved", {}, 16)}, 17);
  EXPECT_THAT(
      mistakes(sample),
      ElementsAre(
          "millrace: app.cc:13: the store 'counts' was already made at app.cc:12: choose "
          "another name, or use the one that is there",
          "millrace: app.cc:11: an operator is already named 'twice', at app.cc:10: choose "
          "another name",
          "millrace: app.cc:16: a repartition is already named 'moved', at app.cc:14: choose "
          "another name, or use that one's result twice"));
}

TEST(Validation, InvalidNames) {
  // Names made at run time were not checked by the compiler.
  Valid sample;
  sample.processor({sample.in}, 10, "two words");
  sample.add_store("", 11);
  sample.processor({sample.repartition(sample.in, "sl/ash", {}, 12)}, 13);
  sample.source({std::string(250, 'x')}, 14);
  sample.sink(sample.in, "..", 15);
  const std::string rule = ": a name is 1 to 200 of A-Z a-z 0-9 . _ -";
  const std::string topic_rule = ": a topic's name is 1 to 249 of A-Z a-z 0-9 . _ -";
  EXPECT_THAT(mistakes(sample),
              ElementsAre("millrace: app.cc:10: 'two words' cannot name an operator" + rule,
                          "millrace: app.cc:14: '" + std::string(250, 'x') +
                              "' cannot name a topic" + topic_rule,
                          "millrace: app.cc:15: '..' cannot name a topic" + topic_rule,
                          "millrace: app.cc:12: 'sl/ash' cannot name a repartition" + rule,
                          "millrace: app.cc:11: '' cannot name a store" + rule));
}

TEST(Validation, TopicsMayHaveLongerNamesThanStores) {
  // Kafka's limit is 249.
  Valid sample;
  sample.sink(sample.in, std::string(249, 'x'));
  EXPECT_THAT(mistakes(sample), IsEmpty());
}

TEST(Validation, TopicsReadTwice) {
  // By two sources, or twice by one.
  Valid sample;
  sample.processor({sample.source({"in"}, 10)}, 11);
  sample.processor({sample.source({"a", "a"}, 12)}, 13);
  EXPECT_THAT(
      mistakes(sample),
      ElementsAre("millrace: app.cc:10: the topic 'in' is already read at app.cc:1: read it once, "
                  "and use the stream or table twice",
                  "millrace: app.cc:12: the topic 'a' is already read at app.cc:12: read it once, "
                  "and use the stream or table twice"));
}

TEST(Validation, TopicsThatTakeAnInternalTopicsName) {
  // Inside the graph both would have one name.
  Valid sample;
  sample.processor({sample.repartition(sample.in, "moved", {}, 10)}, 11);
  sample.sink(sample.in, "moved-repartition", 12);
  EXPECT_THAT(mistakes(sample),
              ElementsAre("millrace: app.cc:12: the topic 'moved-repartition' has the name of the "
                          "internal topic of repartition 'moved' at app.cc:10: rename the "
                          "repartition"));
}

TEST(Validation, NodesWithoutInputAndSourcesWithoutTopic) {
  // Only the low-level interface can make them.
  Valid sample;
  sample.processor({}, 10);
  sample.source({}, 11);
  EXPECT_THAT(
      mistakes(sample),
      ElementsAre("millrace: app.cc:10: filter@app.cc:10 has no input: connect it to a "
                  "stream or table",
                  "millrace: app.cc:11: stream@app.cc:11 reads no topic: name at least one"));
}

TEST(Validation, StoresThatNobodyAdded) {
  // Named by an operator, never made.
  Valid sample;
  sample.processor({sample.in}, 10, "process", {"last-seen"});
  EXPECT_THAT(mistakes(sample),
              ElementsAre("millrace: app.cc:10: process uses the store 'last-seen', which nobody "
                          "added: call add_state_store() before build()"));
}

TEST(Validation, StoresUsedAsSomethingElse) {
  // Kind, keys and values must be those that the store was made for.
  using state::StoreKind;
  Valid sample;
  StoreSpec& spec = sample.store("counts", 10);
  spec.key_type = &typeid(std::string);
  spec.value_type = &typeid(std::int64_t);
  sample.builder.add_store(spec);
  sample.processor({sample.in}, 11, "uses", {"counts"});
  const auto use = [&](StoreKind kind, const std::type_info& key, const std::type_info& value,
                       std::uint32_t at) {
    sample.builder.expect_store("counts", kind, key, value, line(at));
  };
  use(StoreKind::kTimestampedKeyValue, typeid(std::string), typeid(std::int64_t), 20);
  use(StoreKind::kTimestampedWindow, typeid(std::string), typeid(std::int64_t), 21);
  use(StoreKind::kTimestampedKeyValue, typeid(std::int64_t), typeid(std::int64_t), 22);
  use(StoreKind::kTimestampedWindow, typeid(int), typeid(double), 23);
  const std::string rest =
      " than it was made for at app.cc:10: declare its typed name once and use that in both places";
  const std::string what = "the store 'counts' is used as ";
  EXPECT_THAT(mistakes(sample),
              ElementsAre("millrace: app.cc:21: " + what + "another kind of store" + rest,
                          "millrace: app.cc:22: " + what + "other keys" + rest,
                          "millrace: app.cc:23: " + what +
                              "another kind of store, other keys, other values" + rest));
}

TEST(Validation, StoresOnDiskWithoutAChangelog) {
  // After a crash such a store would hold something else than what was committed.
  Valid sample;
  const auto add = [&](const char* name, bool persistent, std::uint32_t at) {
    StoreSpec& spec = sample.store(name, at);
    spec.logged = false;
    spec.persistent = persistent;
    sample.builder.add_store(spec);
    sample.processor({sample.in}, at + 1, name, {name});
  };
  add("on-disk", true, 10);
  add("in-memory", false, 12);
  EXPECT_THAT(
      mistakes(sample),
      ElementsAre("millrace: app.cc:10: the store 'on-disk' would lie on disk without a "
                  "changelog, and hold something else than what was committed after a "
                  "crash: keep it in memory with .store = StoreKind::kInMemory, or leave it "
                  "its changelog"));
}

TEST(Validation, RepartitionsThatNobodyReads) {
  // Its records would be written, stored and thrown away.
  Valid sample;
  sample.repartition(sample.in, "moved", {}, 10);
  EXPECT_THAT(mistakes(sample),
              ElementsAre("millrace: app.cc:10: nothing reads the repartition 'moved': use its "
                          "result, or leave it out"));
}

TEST(Validation, RepartitionsWithoutPartitions) {
  // No log can make such a topic.
  Valid sample;
  sample.processor({sample.repartition(sample.in, "moved", 0, 10)}, 11);
  EXPECT_THAT(mistakes(sample),
              ElementsAre("millrace: app.cc:10: the repartition 'moved' asks for 0 partitions: ask "
                          "for at least 1, or for none in particular"));
}

TEST(Validation, BuildReportsAllMistakesAtOnce) {
  // What operators reported comes first; one line each.
  Valid sample;
  sample.processor({sample.in}, 10, "process", {"last-seen"});
  sample.builder.report(line(7),
                        "records are not in place: put .repartition(\"a-name\") before it");
  EXPECT_EQ(error_of<TopologyError>([&] { Topology(std::move(sample.builder)); }),
            "millrace: app.cc:7: records are not in place: put .repartition(\"a-name\") before it\n"
            "millrace: app.cc:10: process uses the store 'last-seen', which nobody added: call "
            "add_state_store() before build()");
}

}  // namespace
}  // namespace millrace::graph
