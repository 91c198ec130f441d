#include "topology/built_graph.h"

#include <utility>

#include "millrace/detail/assert.h"
#include "millrace/detail/text.h"
#include "millrace/error.h"
#include "topology/describe.h"
#include "topology/subtopologies.h"
#include "topology/validation.h"

namespace millrace::graph {

BuiltGraph::BuiltGraph(GraphBuilder&& builder) : builder_(std::move(builder)) {
  const std::vector<std::string> mistakes = find_mistakes(builder_);
  if (!mistakes.empty()) throw TopologyError(detail::join(mistakes, "\n"));
  subtopologies_ = cut_into_subtopologies(builder_);
}

BuiltGraph::~BuiltGraph() = default;

const NodeSpec& BuiltGraph::node(NodeId id) const {
  MILLRACE_ASSERT(id.value() >= 0 && id.value() < static_cast<std::int32_t>(nodes().size()),
                  "a node of another graph");
  return nodes()[static_cast<std::size_t>(id.value())];
}

const std::vector<NodeSpec>& BuiltGraph::nodes() const { return builder_.nodes(); }

const StoreSpec& BuiltGraph::store(std::string_view name) const {
  const auto store = builder_.stores().find(name);
  MILLRACE_ASSERT(store != builder_.stores().end(), "a store that the graph does not have");
  return store->second;
}

const std::vector<CopartitionGroup>& BuiltGraph::copartition_groups() const {
  return builder_.copartition_groups();
}

const std::vector<RepartitionSpec>& BuiltGraph::repartitions() const {
  return builder_.repartitions();
}

const std::vector<GraphBuilder::LookupEdge>& BuiltGraph::lookups() const {
  return builder_.lookups();
}

const RepartitionSpec* BuiltGraph::repartition(std::string_view topic) const {
  for (const RepartitionSpec& spec : repartitions()) {
    if (node(spec.source).topics.front() == topic) return &spec;
  }
  return nullptr;
}

std::string BuiltGraph::describe() const { return describe_graph(*this); }

}  // namespace millrace::graph
