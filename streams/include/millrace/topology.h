// Topology: the finished, checked graph. Immutable and cheap to copy; what Streams and
// TopologyTestDriver run.
//
//   Topology topology = builder.build();
//   std::cout << topology.describe();
#pragma once

#include <memory>
#include <string>

namespace millrace {

namespace graph {
class BuiltGraph;
class GraphBuilder;
}  // namespace graph

// Thread-safety: safe for concurrent use.
class Topology {
 public:
  // Effect: checks the graph and cuts it into sub-topologies.
  // Errors: TopologyError that lists every mistake, one a line, each with its place.
  explicit Topology(graph::GraphBuilder&& builder);

  // Sub-topologies, nodes, stores and topics as text, in the form of Kafka Streams'
  // Topology.describe() (SEMANTICS §3.2); internal topics without the application id.
  std::string describe() const;

  const graph::BuiltGraph& graph() const { return *graph_; }

 private:
  std::shared_ptr<const graph::BuiltGraph> graph_;
};

}  // namespace millrace
