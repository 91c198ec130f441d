#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "millrace/error.h"
#include "streams/topology/sample_graph.h"
#include "topology/built_graph.h"
#include "topology/internal_topic_config.h"

namespace millrace::graph {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::Pair;
using testing::SampleGraph;
using Counts = std::map<std::string, std::int32_t>;

TopicPlan plan(SampleGraph& sample, const Counts& external) {
  return plan_topics(sample.build(), "app", external);
}

std::string refusal(SampleGraph& sample, const Counts& external) {
  return error_of<TopicError>([&] { plan(sample, external); });
}

// --- counts (SEMANTICS R-RP4) ----------------------------------------------------------------

TEST(TopicPlan, ARepartitionTakesTheCountOfWhatWritesIt) {
  // The most partitions of its sub-topology's sources, and so on down a chain.
  SampleGraph sample;
  const NodeId a = sample.source({"a"}), b = sample.source({"b"});
  const NodeId first = sample.repartition(sample.processor({a, b}), "first");
  const NodeId second = sample.repartition(sample.processor({first}), "second");
  const NodeId third = sample.repartition(sample.processor({second}), "third");
  sample.sink(third, "out");
  const TopicPlan topics = plan(sample, {{"a", 3}, {"b", 5}, {"out", 2}});
  EXPECT_THAT(
      topics.partitions,
      ElementsAre(Pair("a", 3), Pair("app-first-repartition", 5), Pair("app-second-repartition", 5),
                  Pair("app-third-repartition", 5), Pair("b", 5), Pair("out", 2)));
}

TEST(TopicPlan, TheWholeSubtopologyCounts) {
  // Its tasks write the topic, whichever of its sources the records come from.
  SampleGraph sample;
  const NodeId a = sample.source({"a"}), b = sample.source({"b"});
  sample.processor({a, b});
  sample.processor({sample.repartition(a, "of-a")});
  EXPECT_EQ(plan(sample, {{"a", 3}, {"b", 5}}).partitions.at("app-of-a-repartition"), 5);
}

TEST(TopicPlan, AnExplicitCountEndsTheSearch) {
  // It is taken, and what is below goes by it.
  SampleGraph sample;
  const NodeId first = sample.repartition(sample.source({"a"}), "first", 12);
  sample.processor({sample.repartition(first, "second")});
  const TopicPlan topics = plan(sample, {{"a", 3}});
  EXPECT_EQ(topics.partitions.at("app-first-repartition"), 12);
  EXPECT_EQ(topics.partitions.at("app-second-repartition"), 12);
}

TEST(TopicPlan, JoinedWithATopicItTakesThatTopicsCount) {
  // External counts win; the repartition below follows the new number.
  SampleGraph sample;
  const NodeId in = sample.source({"in"}), rows = sample.source({"rows"});
  const NodeId moved = sample.repartition(in, "moved");
  sample.join({moved, rows});
  const NodeId met = sample.processor({moved, rows});
  sample.processor({sample.repartition(met, "below")});
  const TopicPlan topics = plan(sample, {{"in", 12}, {"rows", 4}});
  EXPECT_EQ(topics.partitions.at("app-moved-repartition"), 4);
  EXPECT_EQ(topics.partitions.at("app-below-repartition"), 4);
}

TEST(TopicPlan, JoinedInternalTopicsTakeTheMost) {
  // Or the number that one of them asks for, also where a second join ties in a third.
  for (const std::optional<std::int32_t> asked : {std::optional<std::int32_t>(), {6}}) {
    SampleGraph sample;
    const NodeId x = sample.repartition(sample.source({"a"}), "x");
    const NodeId y = sample.repartition(sample.source({"b"}), "y", asked);
    const NodeId z = sample.repartition(sample.source({"c"}), "z");
    sample.join({x, y});
    sample.join({y, z});
    sample.processor({x, y, z});
    const TopicPlan topics = plan(sample, {{"a", 2}, {"b", 3}, {"c", 9}});
    for (const char* topic : {"app-x-repartition", "app-y-repartition", "app-z-repartition"}) {
      EXPECT_EQ(topics.partitions.at(topic), asked.value_or(9)) << topic;
    }
  }
}

TEST(TopicPlan, AnInternalTopicMayLeadBackIntoItsOwnSubtopology) {
  // Its count does not depend on itself.
  SampleGraph sample;
  const NodeId in = sample.source({"a"});
  const NodeId back = sample.repartition(in, "back");
  sample.processor({in, back});
  EXPECT_EQ(plan(sample, {{"a", 7}}).partitions.at("app-back-repartition"), 7);
}

TEST(TopicPlan, WithoutAJoinTopicsMayDiffer) {
  // R-RP6, and merge(): no operator meets their records by key.
  SampleGraph sample;
  sample.sink(sample.processor({sample.source({"a"}), sample.source({"b"})}), "out");
  const TopicPlan topics = plan(sample, {{"a", 3}, {"b", 5}, {"out", 1}});
  EXPECT_EQ(topics.subtopologies[0].tasks, 5);
}

// --- refusals --------------------------------------------------------------------------------

TEST(TopicPlan, MissingTopicsAreAllNamed) {
  // Those read and those written, each once, at its first place.
  SampleGraph sample;
  const NodeId in = sample.source({"in"}, 10);
  sample.sink(in, "out", 11);
  sample.sink(in, "out", 12);
  EXPECT_EQ(
      refusal(sample, {}),
      "millrace: app.cc:10: the topic 'in' that is read here does not exist: create it, or "
      "correct its name\n"
      "millrace: app.cc:11: the topic 'out' that is written here does not exist: create it, or "
      "correct its name");
}

TEST(TopicPlan, JoinedTopicsOfOtherCounts) {
  // The operator, all topics and their counts, and what to do.
  SampleGraph sample;
  const NodeId orders = sample.source({"orders"}), people = sample.source({"people"});
  sample.processor({orders, people});
  sample.join({orders, people}, 20);
  EXPECT_EQ(
      refusal(sample, {{"orders", 4}, {"people", 6}}),
      "millrace: app.cc:20: join meets records by key, so what it reads needs equally many "
      "partitions, but 'orders' has 4, 'people' has 6: put .repartition(\"a-name\") before it "
      "on one side, or give the topics equally many");
}

TEST(TopicPlan, OneSourceOfTopicsOfOtherCountsCannotBeJoined) {
  // stream({a, b}).join(table): both topics are met by key.
  SampleGraph sample;
  const NodeId both = sample.source({"a", "b"}), rows = sample.source({"rows"});
  sample.processor({both, rows});
  sample.join({both, rows}, 20);
  EXPECT_EQ(
      refusal(sample, {{"a", 4}, {"b", 6}, {"rows", 4}}),
      "millrace: app.cc:20: join meets records by key, so what it reads needs equally many "
      "partitions, but 'a' has 4, 'b' has 6, 'rows' has 4: put .repartition(\"a-name\") before "
      "it on one side, or give the topics equally many");
}

TEST(TopicPlan, ExplicitCountsThatDoNotFit) {
  // Against a topic of the user's, and against each other.
  SampleGraph sample;
  const NodeId rows = sample.source({"rows"});
  const NodeId moved = sample.repartition(sample.source({"in"}), "moved", 3, 15);
  sample.processor({moved, rows});
  sample.join({moved, rows}, 20);
  EXPECT_EQ(refusal(sample, {{"rows", 4}, {"in", 4}}),
            "millrace: app.cc:20: join meets records by key, so what it reads needs equally many "
            "partitions, but the repartition 'moved' asks for 3 (app.cc:15), 'rows' has 4: ask the "
            "repartition for 4, or for none in particular");

  SampleGraph other;
  const NodeId x = other.repartition(other.source({"a"}), "x", 3, 15);
  const NodeId y = other.repartition(other.source({"b"}), "y", 5, 16);
  other.processor({x, y});
  other.join({x, y}, 21);
  EXPECT_EQ(
      refusal(other, {{"a", 1}, {"b", 1}}),
      "millrace: app.cc:21: join meets records by key, so what it reads needs equally many "
      "partitions, but the repartition 'x' asks for 3 (app.cc:15), the repartition 'y' asks for "
      "5 (app.cc:16): ask the repartition for the same number, or for none in particular");
}

TEST(TopicPlan, JoinsThatShareAnInternalTopic) {
  // Neither join alone is wrong: the topic between them cannot have both counts.
  SampleGraph sample;
  const NodeId moved = sample.repartition(sample.source({"in"}), "moved");
  const NodeId a = sample.source({"a"}), b = sample.source({"b"});
  sample.processor({moved, a, b});
  sample.join({moved, a}, 20);
  sample.join({moved, b}, 21);
  EXPECT_EQ(
      refusal(sample, {{"in", 1}, {"a", 4}, {"b", 6}}),
      "millrace: app.cc:21: join (app.cc:20), join (app.cc:21) meet the same records by key, so "
      "all that they read needs equally many partitions, but 'a' has 4, 'b' has 6: put "
      ".repartition(\"a-name\") before it on one side, or give the topics equally many");
}

TEST(TopicPlan, AllMistakesAtOnce) {
  // A missing topic does not hide two that do not fit.
  SampleGraph sample;
  const NodeId a = sample.source({"a"}), b = sample.source({"b"}), c = sample.source({"c"}, 9);
  sample.processor({a, b, c});
  sample.join({a, b, c}, 20);
  EXPECT_EQ(refusal(sample, {{"a", 1}, {"b", 2}}),
            "millrace: app.cc:9: the topic 'c' that is read here does not exist: create it, or "
            "correct its name\n"
            "millrace: app.cc:20: join meets records by key, so what it reads needs equally many "
            "partitions, but 'a' has 1, 'b' has 2: put .repartition(\"a-name\") before it on one "
            "side, or give the topics equally many");
}

TEST(TopicPlan, InternalNamesThatAreTooLong) {
  // A name that the rule for names allows may still be too long with what is put around it.
  SampleGraph sample;
  const std::string base(200, 'x');
  sample.processor({sample.repartition(sample.source({"in"}), base, {}, 15)});
  const std::string application_id(50, 'a');
  const BuiltGraph graph = sample.build();
  const std::string topic = application_id + '-' + base + "-repartition";
  EXPECT_EQ(
      error_of<TopicError>([&] {
        plan_topics(graph, application_id, {{"in", 1}});
      }),
      "millrace: app.cc:15: the internal topic '" + topic + "' has a name of " +
          std::to_string(topic.size()) +
          " characters, and a topic's has at most 249: shorten the name of the repartition '" +
          base + "' or the application id");
}

TEST(TopicPlan, UsersTopicsThatAreInternalTopics) {
  // The graph cannot read or write its own changelog by name.
  SampleGraph sample;
  sample.add_store("counts", 12);
  sample.processor({sample.source({"in"})}, 13, "count", {"counts"});
  sample.processor({sample.source({"app-counts-changelog"}, 14)});
  EXPECT_EQ(
      refusal(sample, {{"in", 1}, {"app-counts-changelog", 1}}),
      "millrace: app.cc:14: the topic 'app-counts-changelog' is the internal topic of the store "
      "'counts' at app.cc:12, which only that may read and write: rename one of them");
}

// --- the plan --------------------------------------------------------------------------------

TEST(TopicPlan, NamesAnchorsTasksAndChangelogs) {
  // A sub-topology has as many tasks as its greatest source has partitions; changelogs as many
  // partitions; the anchor is the greatest source, of equals the first by name.
  SampleGraph sample;
  sample.add_store("counts");
  StoreSpec& unlogged = sample.store("unlogged");
  unlogged.logged = false;
  sample.builder.add_store(unlogged);
  StoreSpec& unneeded = sample.store("unneeded");
  unneeded.needed = false;
  sample.builder.add_store(unneeded);
  StoreSpec& windows = sample.store("a-windows");
  windows.cleanup = ChangelogCleanup::kCompactDelete;
  sample.builder.add_store(windows);
  const NodeId z = sample.source({"z"}), y = sample.source({"y"}), a = sample.source({"a"});
  const NodeId met = sample.processor({z, y, a}, 2, "count", {"counts", "unlogged", "unneeded"});
  const NodeId moved = sample.repartition(met, "moved", 9);
  sample.processor({moved}, 3, "windows", {"a-windows"});
  const TopicPlan topics = plan(sample, {{"z", 4}, {"y", 4}, {"a", 3}});

  ASSERT_EQ(topics.subtopologies.size(), 2u);
  const SubtopologyPlan& first = topics.subtopologies[0];
  EXPECT_EQ(first.tasks, 4);
  EXPECT_EQ(first.anchor_topic, "y");
  EXPECT_THAT(first.source_partitions, ElementsAre(Pair("a", 3), Pair("y", 4), Pair("z", 4)));
  EXPECT_THAT(first.changelogs, ElementsAre(Pair("counts", "app-counts-changelog")));
  const SubtopologyPlan& second = topics.subtopologies[1];
  EXPECT_EQ(second.tasks, 9);
  EXPECT_EQ(second.anchor_topic, "app-moved-repartition");
  EXPECT_THAT(second.changelogs, ElementsAre(Pair("a-windows", "app-a-windows-changelog")));

  EXPECT_THAT(topics.repartition_topics, ElementsAre("app-moved-repartition"));
  std::vector<std::pair<std::string, std::int32_t>> created;
  for (const InternalTopic& topic : topics.internal_topics) {
    created.emplace_back(topic.name, topic.partitions);
  }
  EXPECT_THAT(created,
              ElementsAre(Pair("app-moved-repartition", 9), Pair("app-a-windows-changelog", 9),
                          Pair("app-counts-changelog", 4)));
  EXPECT_EQ(topics.internal_topics[0].config, repartition_topic_config());
  EXPECT_EQ(topics.internal_topics[1].config,
            changelog_topic_config(ChangelogCleanup::kCompactDelete));
  EXPECT_EQ(topics.internal_topics[2].config, changelog_topic_config(ChangelogCleanup::kCompact));
  EXPECT_EQ(topics.partitions.at("app-counts-changelog"), 4);
}

TEST(TopicPlan, InternalTopicsAreNotExternal) {
  // What must exist before the start, each once and sorted.
  SampleGraph sample;
  const NodeId moved = sample.repartition(sample.source({"z", "in"}), "moved");
  sample.sink(moved, "out");
  sample.sink(moved, "in");
  const BuiltGraph graph = sample.build();
  EXPECT_THAT(external_topics(graph), ElementsAre("in", "out", "z"));
  EXPECT_EQ(full_topic_name(graph, "app", "moved-repartition"), "app-moved-repartition");
  EXPECT_EQ(full_topic_name(graph, "app", "in"), "in");
}

// --- configs (SEMANTICS §3.3, DESIGN §7 History) -----------------------------------------------

auto with_any_time(TopicConfig config) {
  config["message.timestamp.type"] = "CreateTime";
  config["message.timestamp.before.max.ms"] = "9223372036854775807";
  config["message.timestamp.after.max.ms"] = "9223372036854775807";
  return config;
}

TEST(InternalTopicConfig, IsThatOfTheSpecification) {
  // The broker's clock deletes nothing of ours, and takes records of any time.
  EXPECT_EQ(repartition_topic_config(), with_any_time({{"cleanup.policy", "delete"},
                                                       {"retention.ms", "-1"},
                                                       {"segment.bytes", "52428800"}}));
  EXPECT_EQ(changelog_topic_config(ChangelogCleanup::kCompact),
            with_any_time({{"cleanup.policy", "compact"}}));
  EXPECT_EQ(changelog_topic_config(ChangelogCleanup::kCompactDelete),
            with_any_time({{"cleanup.policy", "compact,delete"},
                           {"retention.ms", "-1"},
                           {"segment.bytes", "52428800"}}));
  EXPECT_EQ(
      changelog_topic_config(ChangelogCleanup::kDelete),
      with_any_time(
          {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"segment.bytes", "52428800"}}));
}

}  // namespace
}  // namespace millrace::graph
