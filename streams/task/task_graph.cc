#include "task/task_graph.h"

#include <algorithm>
#include <exception>

#include "millrace/detail/assert.h"

namespace millrace::task {

using graph::NodeError;
using graph::NodeId;
using graph::NodeSpec;

namespace {

// Effect: calls f; its exception gets the node's name, if it has none yet.
template <class F>
void in_the_name_of(const std::string& node, F f) {
  try {
    f();
  } catch (const NodeError&) {
    throw;
  } catch (...) {
    throw NodeError(node);
  }
}

}  // namespace

void TaskGraph::build(graph::NodeContext& context) {
  MILLRACE_ASSERT(nodes_.empty(), "a task's graph is built twice");
  try {
    clone_and_connect();
    for (const auto& node : nodes_) {
      in_the_name_of(node->name(), [&] { node->init(context); });
      ++initialized_;
    }
  } catch (...) {
    reset();
    throw;
  }
}

void TaskGraph::clone_and_connect() {
  nodes_.reserve(subtopology_.nodes.size());
  for (const NodeId id : subtopology_.nodes) {
    const NodeSpec& spec = graph_.node(id);
    MILLRACE_ASSERT(spec.prototype != nullptr, "a node without a prototype cannot run");
    in_the_name_of(spec.name, [&] { nodes_.emplace_back(spec.prototype->clone()); });
    nodes_.back()->set_name(spec.name);
  }
  for (const NodeId id : subtopology_.nodes) {
    for (const NodeId child : graph_.node(id).children) node(id).connect(node(child));
  }
}

std::optional<std::string> TaskGraph::reset() noexcept {
  std::optional<std::string> failure;
  while (initialized_ > 0) {
    graph::Node& node = *nodes_[--initialized_];
    std::string what;
    try {
      node.close();
      continue;
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
      what = "an exception that is not a std::exception";
    }
    if (!failure) failure = "node " + node.name() + " failed to close: " + what;
  }
  nodes_.clear();
  return failure;
}

graph::Node& TaskGraph::node(NodeId id) {
  const std::vector<NodeId>& ids = subtopology_.nodes;  // ascending
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  MILLRACE_ASSERT(at != ids.end() && *at == id, "a node of another sub-topology");
  MILLRACE_ASSERT(nodes_.size() == ids.size(), "a task's graph is not built");
  return *nodes_[static_cast<std::size_t>(at - ids.begin())];
}

graph::SourceNodeBase& TaskGraph::source(std::string_view topic) {
  for (const NodeId id : subtopology_.sources) {
    const std::vector<std::string>& topics = graph_.node(id).topics;
    if (std::find(topics.begin(), topics.end(), topic) == topics.end()) continue;
    auto* const source = dynamic_cast<graph::SourceNodeBase*>(&node(id));
    MILLRACE_ASSERT(source != nullptr, "a source's prototype is no source");
    return *source;
  }
  MILLRACE_ASSERT(false, "no source of this sub-topology reads the topic");
}

}  // namespace millrace::task
