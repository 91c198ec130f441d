// What build() checks of a graph as a whole.
#pragma once

#include <string>
#include <vector>

#include "millrace/detail/graph_builder.h"

namespace millrace::graph {

// Every mistake: those noted while the graph was written, then those that only the whole graph
// shows. Each is one line that names its place and says what to do.
std::vector<std::string> find_mistakes(const GraphBuilder& graph);

}  // namespace millrace::graph
