#include "millrace/topology.h"

#include "topology/built_graph.h"

namespace millrace {

Topology::Topology(graph::GraphBuilder&& builder)
    : graph_(std::make_shared<graph::BuiltGraph>(std::move(builder))) {}

std::string Topology::describe() const { return graph_->describe(); }

}  // namespace millrace
