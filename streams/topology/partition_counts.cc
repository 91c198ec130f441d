#include "topology/partition_counts.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "millrace/detail/text.h"

namespace millrace::graph {

namespace {

using Topics = std::set<std::string>;

// Topics that must have equally many partitions, and the operators that need it.
struct Class {
  Topics topics;
  std::vector<const CopartitionGroup*> groups;
};

class Decision {
 public:
  Decision(const BuiltGraph& graph, const std::map<std::string, std::int32_t>& external)
      : graph_(graph) {
    for (const NodeSpec& node : graph.nodes()) {
      for (const std::string& topic : node.topics) {
        if (!topics_.insert(topic).second) continue;
        if (const RepartitionSpec* const repartition = graph.repartition(topic)) {
          if (repartition->partitions) fixed_[topic] = *repartition->partitions;
        } else if (const auto at = external.find(topic); at != external.end()) {
          fixed_[topic] = at->second;
        } else {
          add_missing(node, topic);
        }
      }
    }
    make_classes();
  }

  PartitionCounts decide() {
    for (const Class& alike : classes_) check(alike);
    PartitionCounts result;
    result.mistakes = std::move(mistakes_);
    if (!result.mistakes.empty()) return result;
    for (const std::string& topic : topics_) result.counts[topic] = count(topic);
    return result;
  }

 private:
  void add_missing(const NodeSpec& node, const std::string& topic) {
    const bool read = node.kind == NodeKind::kSource;
    mistakes_.push_back("millrace: " + to_string(node.where) + ": the topic '" + topic +
                        (read ? "' that is read here" : "' that is written here") +
                        " does not exist: create it, or correct its name");
  }

  Topics topics_of(const CopartitionGroup& group) const {
    Topics topics;
    for (const NodeId source : group.sources) {
      const std::vector<std::string>& names = graph_.node(source).topics;
      topics.insert(names.begin(), names.end());
    }
    return topics;
  }

  // Groups that share a topic are one class.
  void make_classes() {
    for (const CopartitionGroup& group : graph_.copartition_groups()) {
      Class made{topics_of(group), {&group}};
      const auto apart =
          std::stable_partition(classes_.begin(), classes_.end(), [&](const Class& other) {
            return std::none_of(other.topics.begin(), other.topics.end(),
                                [&](const std::string& t) { return made.topics.count(t) > 0; });
          });
      for (auto other = classes_.end(); other != apart;) {
        --other;
        made.topics.insert(other->topics.begin(), other->topics.end());
        made.groups.insert(made.groups.begin(), other->groups.begin(), other->groups.end());
      }
      classes_.erase(apart, classes_.end());
      classes_.push_back(std::move(made));
    }
  }

  std::set<std::int32_t> fixed_counts(const Topics& topics) const {
    std::set<std::int32_t> counts;
    for (const std::string& topic : topics) {
      const auto at = fixed_.find(topic);
      if (at != fixed_.end()) counts.insert(at->second);
    }
    return counts;
  }

  // "'orders' has 4 partitions, the repartition 'by-city' asks for 3 (a.cc:9)"
  std::string list(const Topics& topics) const {
    std::vector<std::string> parts;
    for (const std::string& topic : topics) {
      const auto at = fixed_.find(topic);
      if (at == fixed_.end()) continue;
      const RepartitionSpec* const repartition = graph_.repartition(topic);
      parts.push_back(repartition == nullptr ? "'" + topic + "' has " + std::to_string(at->second)
                                             : "the repartition '" + repartition->name +
                                                   "' asks for " + std::to_string(at->second) +
                                                   " (" + to_string(repartition->where) + ')');
    }
    return detail::join(parts, ", ");
  }

  std::string advice(const Topics& topics) const {
    std::set<std::int32_t> of_users;
    for (const std::string& topic : topics) {
      const auto at = fixed_.find(topic);
      if (at != fixed_.end() && graph_.repartition(topic) == nullptr) of_users.insert(at->second);
    }
    if (of_users.size() > 1) {
      return "put .repartition(\"a-name\") before it on one side, or give the topics equally many";
    }
    return "ask the repartition for " +
           (of_users.empty() ? "the same number" : std::to_string(*of_users.begin())) +
           ", or for none in particular";
  }

  void check(const Class& alike) {
    if (fixed_counts(alike.topics).size() <= 1) return;
    bool told = false;
    for (const CopartitionGroup* const group : alike.groups) {
      const Topics topics = topics_of(*group);
      if (fixed_counts(topics).size() <= 1) continue;
      told = true;
      mistakes_.push_back("millrace: " + to_string(group->where) + ": " + group->what +
                          " meets records by key, so what it reads needs equally many partitions, "
                          "but " +
                          list(topics) + ": " + advice(topics));
    }
    if (told) return;
    // No operator alone: what they read between them ties them together.
    std::vector<std::string> operators;
    for (const CopartitionGroup* const group : alike.groups) {
      operators.push_back(group->what + " (" + to_string(group->where) + ')');
    }
    mistakes_.push_back("millrace: " + to_string(alike.groups.back()->where) + ": " +
                        detail::join(operators, ", ") +
                        " meet the same records by key, so all that they read needs equally many "
                        "partitions, but " +
                        list(alike.topics) + ": " + advice(alike.topics));
  }

  Topics alike_with(const std::string& topic) const {
    for (const Class& alike : classes_) {
      if (alike.topics.count(topic) > 0) return alike.topics;
    }
    return {topic};
  }

  // The most partitions of all that decides about this topic: what is alike, or else everything
  // read by the sub-topologies that write it, and so on upwards. Sub-topologies may write for
  // themselves, so each topic is visited once.
  std::int32_t count(const std::string& topic) const {
    std::int32_t most = 0;
    Topics seen;
    std::vector<std::string> open = {topic};
    while (!open.empty()) {
      const std::string next = std::move(open.back());
      open.pop_back();
      if (seen.count(next) > 0) continue;
      const Topics alike = alike_with(next);
      seen.insert(alike.begin(), alike.end());
      if (const std::set<std::int32_t> counts = fixed_counts(alike); !counts.empty()) {
        most = std::max(most, *counts.begin());  // there is only one
        continue;
      }
      for (const Subtopology& writer : graph_.subtopologies()) {
        const bool writes =
            std::any_of(writer.sink_topics.begin(), writer.sink_topics.end(),
                        [&](const std::string& written) { return alike.count(written) > 0; });
        if (writes) {
          open.insert(open.end(), writer.source_topics.begin(), writer.source_topics.end());
        }
      }
    }
    return most;
  }

  const BuiltGraph& graph_;
  Topics topics_;
  std::map<std::string, std::int32_t> fixed_;  // counts that are given
  std::vector<Class> classes_;
  std::vector<std::string> mistakes_;
};

}  // namespace

PartitionCounts decide_partition_counts(const BuiltGraph& graph,
                                        const std::map<std::string, std::int32_t>& external) {
  return Decision(graph, external).decide();
}

}  // namespace millrace::graph
