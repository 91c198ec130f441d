// What every handle (KStream, KTable, …) is: a place in the graph under construction. A small value;
// copies mean the same place.
#pragma once

#include <memory>
#include <utility>

#include "millrace/detail/graph_builder.h"

namespace millrace::detail {

using graph::NodeId;

class Handle {
 public:
  Handle(std::shared_ptr<graph::GraphBuilder> graph, NodeId node)
      : graph_(std::move(graph)), node_(node) {}

  NodeId node() const { return node_; }
  const std::shared_ptr<graph::GraphBuilder>& graph() const { return graph_; }

 private:
  std::shared_ptr<graph::GraphBuilder> graph_;
  NodeId node_;
};

}  // namespace millrace::detail
