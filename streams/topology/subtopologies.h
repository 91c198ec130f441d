// Cuts a graph into sub-topologies: what must run in one task because it is connected through
// nodes, shared stores or table look-ups (SEMANTICS §3.1).
#pragma once

#include <vector>

#include "topology/built_graph.h"

namespace millrace::graph {

// REQUIRES: find_mistakes() found none. Numbered in the order of their first nodes.
std::vector<Subtopology> cut_into_subtopologies(const GraphBuilder& graph);

}  // namespace millrace::graph
