// TaskGraph: one task's own nodes, cloned from the prototypes of a sub-topology and connected.
//
//   TaskGraph nodes(graph, graph.subtopologies()[id]);
//   nodes.build(context);
//   auto slot = nodes.source("orders").make_slot();
//   ...                                   // an abort:
//   slot.reset();
//   nodes.reset();
//   nodes.build(context);                 // new clones, as if the old ones had never run
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/detail/node.h"
#include "millrace/detail/source_node.h"
#include "topology/built_graph.h"

namespace millrace::task {

// Not thread-safe: belongs to one task. Lifetime: the graph and the sub-topology live longer.
class TaskGraph {
 public:
  TaskGraph(const graph::BuiltGraph& graph, const graph::Subtopology& subtopology)
      : graph_(graph), subtopology_(subtopology) {}
  ~TaskGraph() { reset(); }
  TaskGraph(const TaskGraph&) = delete;
  TaskGraph& operator=(const TaskGraph&) = delete;

  // Effect: clones, connects, and calls every node's init(), parents before children. The context's
  // node() may already call node(). REQUIRES: empty, as after construction or reset().
  // Errors: NodeError with the node whose copying or init() threw; *this is empty then, and those
  // that were initialized before it were closed.
  void build(graph::NodeContext& context);

  // Effect: calls close() of every node, children before parents, and lets go of all. What refers
  // to them (slots, look-ups) must be gone. Does nothing if empty. Returns: what the first close()
  // that threw said, and of which node; the others were called, too.
  std::optional<std::string> reset() noexcept;

  // REQUIRES for what follows: built; the node or topic belongs to this sub-topology.
  graph::Node& node(graph::NodeId id);
  // The source that reads this topic, named as in the graph.
  graph::SourceNodeBase& source(std::string_view topic);

 private:
  void clone_and_connect();

  const graph::BuiltGraph& graph_;
  const graph::Subtopology& subtopology_;
  std::vector<std::unique_ptr<graph::Node>> nodes_;  // in the order of subtopology_.nodes
  std::size_t initialized_ = 0;                      // so many from the front
};

}  // namespace millrace::task
