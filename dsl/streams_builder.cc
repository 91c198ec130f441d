#include "millrace/dsl/streams_builder.h"

#include <memory>
#include <string>
#include <utility>

#include "millrace/detail/key_value_cells.h"

namespace millrace {

graph::StoreSpec detail::scanned(graph::StoreSpec spec) {
  spec.make = [make = std::move(spec.make)](state::DiskTable* disk) {
    std::unique_ptr<state::Store> store = make(disk);
    static_cast<state::KeyValueCells&>(*store).prepare_scans(0);
    return store;
  };
  return spec;
}

StreamsBuilder::StreamsBuilder() : graph_(std::make_shared<graph::GraphBuilder>()) {}
StreamsBuilder::~StreamsBuilder() = default;

Topology StreamsBuilder::build() { return Topology(std::move(*graph_)); }

bool StreamsBuilder::report_mistakes(Duration window_size, Duration retention,
                                     SourceLocation where) {
  if (window_size <= Duration{0}) {
    graph_->report(where, "a window has a length: the size of this store's windows is " +
                              std::to_string(window_size.count()) + " ms");
    return true;
  }
  if (retention < window_size) {
    graph_->report(where, "a window must be kept until it is over: .retention is " +
                              std::to_string(retention.count()) + " ms, and a window takes " +
                              std::to_string(window_size.count()) + " ms");
    return true;
  }
  return false;
}

bool StreamsBuilder::report_mistake(Duration session_retention, SourceLocation where) {
  if (session_retention > Duration{0}) return false;
  graph_->report(where, "a session must be kept for a while: the retention of this store is " +
                            std::to_string(session_retention.count()) + " ms");
  return true;
}

detail::Handle StreamsBuilder::add_source(std::vector<std::string> topics, OperatorName name,
                                          SourceLocation where, const graph::Node* source) {
  return {graph_, graph_->add_source({"stream", name.view(), where}, std::move(topics), source)};
}

}  // namespace millrace
