#include "millrace/dsl/streams_builder.h"

namespace millrace {

StreamsBuilder::StreamsBuilder() : graph_(std::make_shared<graph::GraphBuilder>()) {}
StreamsBuilder::~StreamsBuilder() = default;

Topology StreamsBuilder::build() { return Topology(std::move(*graph_)); }

detail::Handle StreamsBuilder::add_source(std::vector<std::string> topics, OperatorName name,
                                          SourceLocation where, const graph::Node* source) {
  return {graph_, graph_->add_source({"stream", name.view(), where}, std::move(topics), source)};
}

}  // namespace millrace
