#include <algorithm>
#include <set>

#include "millrace/detail/assert.h"
#include "millrace/detail/text.h"
#include "millrace/error.h"
#include "topology/built_graph.h"
#include "topology/internal_topic_config.h"
#include "topology/partition_counts.h"

namespace millrace::graph {

namespace {

constexpr std::size_t kMaxTopicName = 249;  // Kafka's

class Planning {
 public:
  Planning(const BuiltGraph& graph, std::string_view application_id,
           const std::map<std::string, std::int32_t>& external)
      : graph_(graph), application_id_(application_id), external_(external) {}

  TopicPlan run() {
    PartitionCounts decided = decide_partition_counts(graph_, external_);
    mistakes_ = std::move(decided.mistakes);
    check_internal_names();
    if (!mistakes_.empty()) throw TopicError(detail::join(mistakes_, "\n"));

    for (const auto& [topic, count] : decided.counts) {
      plan_.partitions.emplace(full_topic_name(graph_, application_id_, topic), count);
    }
    add_repartition_topics();
    std::vector<InternalTopic> changelogs;
    for (const Subtopology& subtopology : graph_.subtopologies()) {
      plan_subtopology(subtopology, changelogs);
    }
    std::sort(changelogs.begin(), changelogs.end(), by_name);
    for (InternalTopic& topic : changelogs) {
      plan_.partitions.emplace(topic.name, topic.partitions);
      plan_.internal_topics.push_back(std::move(topic));
    }
    return std::move(plan_);
  }

 private:
  static bool by_name(const InternalTopic& a, const InternalTopic& b) { return a.name < b.name; }

  std::string changelog_name(const std::string& store) const {
    return application_id_ + '-' + store + "-changelog";
  }

  // Whether the log takes the name, and whether it is really ours.
  void check_internal_name(const std::string& name, const SourceLocation& where,
                           const std::string& owner) {
    if (name.size() > kMaxTopicName) {
      mistakes_.push_back("millrace: " + to_string(where) + ": the internal topic '" + name +
                          "' has a name of " + std::to_string(name.size()) +
                          " characters, and a topic's has at most " +
                          std::to_string(kMaxTopicName) + ": shorten the name of the " + owner +
                          " or the application id");
    }
    for (const NodeSpec& node : graph_.nodes()) {
      const bool named =
          std::find(node.topics.begin(), node.topics.end(), name) != node.topics.end();
      if (!named) continue;
      mistakes_.push_back("millrace: " + to_string(node.where) + ": the topic '" + name +
                          "' is the internal topic of the " + owner + " at " + to_string(where) +
                          ", which only that may read and write: rename one of them");
    }
  }

  void check_internal_names() {
    for (const RepartitionSpec& repartition : graph_.repartitions()) {
      const std::string topic = GraphBuilder::repartition_topic(repartition.name);
      check_internal_name(full_topic_name(graph_, application_id_, topic), repartition.where,
                          "repartition '" + repartition.name + "'");
    }
    for (const Subtopology& subtopology : graph_.subtopologies()) {
      for (const std::string& name : subtopology.stores) {
        const StoreSpec& store = graph_.store(name);
        if (!store.logged) continue;
        check_internal_name(changelog_name(name), store.where, "store '" + name + "'");
      }
    }
  }

  void add_repartition_topics() {
    for (const RepartitionSpec& repartition : graph_.repartitions()) {
      const std::string topic = GraphBuilder::repartition_topic(repartition.name);
      InternalTopic made;
      made.name = full_topic_name(graph_, application_id_, topic);
      made.partitions = plan_.partitions.at(made.name);
      made.config = repartition_topic_config();
      plan_.repartition_topics.push_back(made.name);
      plan_.internal_topics.push_back(std::move(made));
    }
    std::sort(plan_.repartition_topics.begin(), plan_.repartition_topics.end());
    std::sort(plan_.internal_topics.begin(), plan_.internal_topics.end(), by_name);
  }

  void plan_subtopology(const Subtopology& subtopology, std::vector<InternalTopic>& changelogs) {
    SubtopologyPlan& plan = plan_.subtopologies.emplace_back();
    for (const std::string& topic : subtopology.source_topics) {
      const std::string name = full_topic_name(graph_, application_id_, topic);
      plan.source_partitions.emplace(name, plan_.partitions.at(name));
    }
    for (const auto& [name, count] : plan.source_partitions) {  // in the order of their names
      if (count <= plan.tasks) continue;
      plan.tasks = count;
      plan.anchor_topic = name;
    }
    MILLRACE_ASSERT(plan.tasks > 0, "a sub-topology without a partition to read");
    for (const std::string& name : subtopology.stores) {
      const StoreSpec& store = graph_.store(name);
      if (!store.logged) continue;
      InternalTopic& made = changelogs.emplace_back();
      made.name = changelog_name(name);
      made.partitions = plan.tasks;
      made.config = changelog_topic_config(store.cleanup);
      plan.changelogs.emplace(name, made.name);
    }
  }

  const BuiltGraph& graph_;
  const std::string application_id_;
  const std::map<std::string, std::int32_t>& external_;
  std::vector<std::string> mistakes_;
  TopicPlan plan_;
};

}  // namespace

std::string full_topic_name(const BuiltGraph& graph, std::string_view application_id,
                            std::string_view topic) {
  if (graph.repartition(topic) == nullptr) return std::string(topic);
  return std::string(application_id) + '-' + std::string(topic);
}

std::vector<std::string> external_topics(const BuiltGraph& graph) {
  std::set<std::string> topics;
  for (const NodeSpec& node : graph.nodes()) {
    for (const std::string& topic : node.topics) {
      if (graph.repartition(topic) == nullptr) topics.insert(topic);
    }
  }
  return {topics.begin(), topics.end()};
}

TopicPlan plan_topics(const BuiltGraph& graph, std::string_view application_id,
                      const std::map<std::string, std::int32_t>& external) {
  return Planning(graph, application_id, external).run();
}

}  // namespace millrace::graph
