#include "topology/subtopologies.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <set>
#include <string>

namespace millrace::graph {

namespace {

std::size_t index(NodeId id) { return static_cast<std::size_t>(id.value()); }

// Which nodes belong together; the smallest stands for its set.
class Sets {
 public:
  explicit Sets(std::size_t size) : parent_(size) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }

  std::size_t find(std::size_t member) {
    while (parent_[member] != member) {
      parent_[member] = parent_[parent_[member]];
      member = parent_[member];
    }
    return member;
  }

  void join(NodeId a, NodeId b) {
    const auto [least, other] = std::minmax({find(index(a)), find(index(b))});
    parent_[other] = least;
  }

 private:
  std::vector<std::size_t> parent_;
};

Sets connect(const GraphBuilder& graph) {
  Sets sets(graph.nodes().size());
  std::map<std::string, NodeId> first_user;  // by store
  for (const NodeSpec& node : graph.nodes()) {
    for (const NodeId parent : node.parents) sets.join(node.id, parent);
    for (const std::string& store : node.stores) {
      sets.join(node.id, first_user.try_emplace(store, node.id).first->second);
    }
  }
  for (const GraphBuilder::LookupEdge& lookup : graph.lookups()) {
    sets.join(lookup.reader, lookup.table);
  }
  return sets;
}

}  // namespace

std::vector<Subtopology> cut_into_subtopologies(const GraphBuilder& graph) {
  Sets sets = connect(graph);
  std::vector<Subtopology> result;
  std::map<std::size_t, std::size_t> position;  // set → its sub-topology
  for (const NodeSpec& node : graph.nodes()) {
    const auto [at, is_new] = position.try_emplace(sets.find(index(node.id)), result.size());
    if (is_new) result.emplace_back().id = static_cast<std::int32_t>(at->second);
    Subtopology& subtopology = result[at->second];
    subtopology.nodes.push_back(node.id);
    if (node.kind == NodeKind::kSource) subtopology.sources.push_back(node.id);
  }

  for (Subtopology& subtopology : result) {
    std::set<std::string> source_topics, sink_topics, stores;
    for (const NodeId id : subtopology.nodes) {
      const NodeSpec& node = graph.nodes()[index(id)];
      auto& topics = node.kind == NodeKind::kSource ? source_topics : sink_topics;
      topics.insert(node.topics.begin(), node.topics.end());
      for (const std::string& store : node.stores) {
        if (graph.stores().at(store).needed) stores.insert(store);
      }
    }
    subtopology.source_topics.assign(source_topics.begin(), source_topics.end());
    subtopology.sink_topics.assign(sink_topics.begin(), sink_topics.end());
    subtopology.stores.assign(stores.begin(), stores.end());
  }
  return result;
}

}  // namespace millrace::graph
