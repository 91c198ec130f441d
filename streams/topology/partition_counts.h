// How many partitions every topic of a graph has or gets (SEMANTICS R-RP4).
//
// A topic of the user's has as many as the log says, an internal topic whose number was asked for
// as many as that. Topics whose records an operator meets by key are alike. What is then still open
// takes as many as the sub-topology that writes it has tasks, which may depend on topics above.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "topology/built_graph.h"

namespace millrace::graph {

struct PartitionCounts {
  std::map<std::string, std::int32_t> counts;  // by topic, named as in the graph
  std::vector<std::string> mistakes;           // if there are any, counts are not complete
};

PartitionCounts decide_partition_counts(const BuiltGraph& graph,
                                        const std::map<std::string, std::int32_t>& external);

}  // namespace millrace::graph
