// The text of Topology::describe().
#pragma once

#include <string>

#include "topology/built_graph.h"

namespace millrace::graph {

// In the form of Kafka Streams' Topology.describe() (SEMANTICS §3.2); internal topics without the
// application id. Lists of stores are sorted, which Kafka Streams leaves open.
std::string describe_graph(const BuiltGraph& graph);

}  // namespace millrace::graph
