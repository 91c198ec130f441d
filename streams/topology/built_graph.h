// BuiltGraph: the checked graph, cut into sub-topologies: connected components through nodes, shared
// stores and table look-ups, not through topics (SEMANTICS §3.1). Immutable; shared by all tasks.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/detail/graph_builder.h"

namespace millrace::graph {

struct Subtopology {
  std::int32_t id = 0;                     // in the order of the first node added
  std::vector<NodeId> nodes;               // parents before children; children in the order of R-F1
  std::vector<NodeId> sources;             // of nodes
  std::vector<std::string> source_topics;  // sorted; names as in the graph
  std::vector<std::string> sink_topics;    // sorted
  std::vector<std::string> stores;         // that are made, sorted
};

class BuiltGraph {
 public:
  // Errors: TopologyError with all mistakes: those reported while building, names used twice, an
  // empty graph, a store that nobody added, a node without parents, internal topics read by nobody.
  explicit BuiltGraph(GraphBuilder&& builder);
  ~BuiltGraph();

  const NodeSpec& node(NodeId id) const;
  const std::vector<NodeSpec>& nodes() const;  // by id, parents before children
  const StoreSpec& store(std::string_view name) const;
  const std::vector<Subtopology>& subtopologies() const { return subtopologies_; }
  const std::vector<CopartitionGroup>& copartition_groups() const;
  const std::vector<RepartitionSpec>& repartitions() const;
  const std::vector<GraphBuilder::LookupEdge>& lookups() const;

  // nullptr: the topic is the user's.
  const RepartitionSpec* repartition(std::string_view topic) const;

  std::string describe() const;

 private:
  GraphBuilder builder_;
  std::vector<Subtopology> subtopologies_;
};

// --- what becomes known when the log is known ------------------------------------------------

struct InternalTopic {
  std::string name;  // full, with the application id
  std::int32_t partitions = 0;
  std::map<std::string, std::string> config;  // SEMANTICS §3.3, DESIGN §7 "History"
};

struct SubtopologyPlan {
  std::int32_t tasks = 0;    // the most partitions of its source topics
  std::string anchor_topic;  // full name: most partitions, then name (DESIGN §6)
  std::map<std::string, std::int32_t> source_partitions;  // full name → count
  std::map<std::string, std::string> changelogs;          // store → full topic name
};

// Everything about topics, resolved: full names, partition counts, what is to be created.
struct TopicPlan {
  std::vector<SubtopologyPlan> subtopologies;  // by id
  std::vector<InternalTopic> internal_topics;  // repartition topics, then changelogs, each sorted
  std::map<std::string, std::int32_t> partitions;  // every topic that is read or written, full name
  std::vector<std::string> repartition_topics;     // full names
  // What a record of the topic may take at most, by full name, where the log says so.
  std::map<std::string, std::int64_t> max_message_bytes;
  // How long changelogs keep deletions that are compacted, by full name (log/event.h).
  std::map<std::string, Duration> deletions_kept;
};

// The full name of a topic of the graph: internal topics get the application id in front.
std::string full_topic_name(const BuiltGraph& graph, std::string_view application_id,
                            std::string_view topic);

// Every topic of the user's that the graph reads or writes.
std::vector<std::string> external_topics(const BuiltGraph& graph);

// Effect: decides all partition counts (SEMANTICS R-RP4). `external` holds the counts of
// external_topics(); a topic that is not in it does not exist.
// Errors: TopicError with every mistake at once: missing topics, counts that must be equal and are
// not, with the operator that needs it and what to do.
TopicPlan plan_topics(const BuiltGraph& graph, std::string_view application_id,
                      const std::map<std::string, std::int32_t>& external);

}  // namespace millrace::graph
