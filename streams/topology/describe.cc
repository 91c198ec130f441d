#include "topology/describe.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "millrace/detail/text.h"

namespace millrace::graph {

namespace {

class Description {
 public:
  explicit Description(const BuiltGraph& graph) : graph_(graph), sizes_(graph.nodes().size(), 1) {
    // Children have greater ids than their parents.
    for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
      std::uint64_t& size = sizes_[index(node->id)];
      for (const NodeId child : node->children) {
        // Paths, not nodes: a graph of many diamonds has more of them than fit.
        const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - size;
        size += std::min(room, sizes_[index(child)]);
      }
    }
  }

  std::string text() const {
    std::string text = "Topologies:\n ";
    for (const Subtopology& subtopology : graph_.subtopologies()) {
      text += "  Sub-topology: " + std::to_string(subtopology.id) + '\n';
      for (const NodeId id : in_order(subtopology.nodes)) text += node_text(graph_.node(id));
      text += '\n';
    }
    return text;
  }

 private:
  static std::size_t index(NodeId id) { return static_cast<std::size_t>(id.value()); }

  static std::vector<NodeId> ordered_set(std::vector<NodeId> nodes) {
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    return nodes;
  }

  // The greatest subtree first, then by name.
  std::vector<NodeId> in_order(const std::vector<NodeId>& nodes) const {
    std::vector<NodeId> ordered = ordered_set(nodes);
    std::sort(ordered.begin(), ordered.end(), [this](NodeId a, NodeId b) {
      if (sizes_[index(a)] != sizes_[index(b)]) return sizes_[index(a)] > sizes_[index(b)];
      return graph_.node(a).name < graph_.node(b).name;
    });
    return ordered;
  }

  std::string node_names(const std::vector<NodeId>& nodes) const {
    if (nodes.empty()) return "none";
    std::vector<std::string> names;
    for (const NodeId id : in_order(nodes)) names.push_back(graph_.node(id).name);
    return detail::join(names, ", ");
  }

  // The stores from which the rows of a table come: its own, or those of the tables above it.
  void add_stores_of_table(NodeId id, std::set<std::string>& stores) const {
    const NodeSpec& table = graph_.node(id);
    const std::size_t before = stores.size();
    add_own_stores(table, stores);
    if (stores.size() > before) return;
    for (const NodeId parent : table.parents) add_stores_of_table(parent, stores);
  }

  void add_own_stores(const NodeSpec& node, std::set<std::string>& stores) const {
    for (const std::string& store : node.stores) {
      if (graph_.store(store).needed) stores.insert(store);
    }
  }

  std::string stores_of(const NodeSpec& node) const {
    std::set<std::string> stores;
    add_own_stores(node, stores);
    for (const GraphBuilder::LookupEdge& lookup : graph_.lookups()) {
      if (lookup.reader != node.id) continue;
      std::set<std::string> looked_up;
      add_stores_of_table(lookup.table, looked_up);
      stores.merge(looked_up);
    }
    return detail::join(stores, ", ");
  }

  std::string node_text(const NodeSpec& node) const {
    std::string text;
    switch (node.kind) {
      case NodeKind::kSource:
        text =
            "    Source: " + node.name + " (topics: [" + detail::join(node.topics, ", ") + "])\n";
        break;
      case NodeKind::kProcessor:
        text = "    Processor: " + node.name + " (stores: [" + stores_of(node) + "])\n";
        break;
      case NodeKind::kSink:
        text = "    Sink: " + node.name + " (topic: " + node.topics.front() + ")\n";
        break;
    }
    if (node.kind != NodeKind::kSink) text += "      --> " + node_names(node.children) + '\n';
    if (node.kind != NodeKind::kSource) text += "      <-- " + node_names(node.parents) + '\n';
    return text;
  }

  const BuiltGraph& graph_;
  std::vector<std::uint64_t> sizes_;  // by node: of its subtree, itself included
};

}  // namespace

std::string describe_graph(const BuiltGraph& graph) { return Description(graph).text(); }

}  // namespace millrace::graph
