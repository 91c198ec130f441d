// SampleGraph: a graph written in a few words, for tests that look at its shape only. Operators are
// written at lines of "app.cc", so that messages can be compared whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "streams/node/sample_nodes.h"
#include "topology/built_graph.h"

namespace millrace::graph::testing {

inline SourceLocation line(std::uint32_t number) { return {"/home/someone/app.cc", number}; }

struct SampleGraph {
  GraphBuilder builder;

  NodeId source(std::vector<std::string> topics, std::uint32_t at = 1, std::string_view name = {}) {
    return builder.add_source({"stream", name, line(at)}, std::move(topics), text_source());
  }
  NodeId processor(std::vector<NodeId> parents, std::uint32_t at = 2, std::string_view name = {},
                   std::vector<std::string> stores = {}) {
    return builder.add_processor({"filter", name, line(at)}, std::move(parents),
                                 new PassNode(trace()), std::move(stores));
  }
  NodeId sink(NodeId parent, std::string topic, std::uint32_t at = 3, std::string_view name = {}) {
    const Node* const prototype = text_sink(topic);
    return builder.add_sink({"to", name, line(at)}, parent, std::move(topic), prototype);
  }
  // The source behind the internal topic.
  NodeId repartition(NodeId parent, const std::string& base,
                     std::optional<std::int32_t> partitions = std::nullopt, std::uint32_t at = 4) {
    return builder
        .add_repartition({"repartition", {}, line(at)}, parent, base, partitions,
                         text_sink(GraphBuilder::repartition_topic(base), true), text_source())
        .source;
  }
  StoreSpec& store(const std::string& name, std::uint32_t at = 5) {
    spec_ = StoreSpec();
    spec_.name = name;
    spec_.where = line(at);
    return spec_;
  }
  void add_store(const std::string& name, std::uint32_t at = 5) {
    builder.add_store(store(name, at));
  }
  // Equal partition counts for all above these nodes.
  void join(const std::vector<NodeId>& nodes, std::uint32_t at = 6) {
    builder.require_copartition("join", line(at), nodes);
  }

  BuiltGraph build() { return BuiltGraph(std::move(builder)); }

 private:
  static Trace& trace() {
    static Trace unused;
    return unused;
  }
  StoreSpec spec_;
};

// What f throws, as text.
template <class Error, class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace millrace::graph::testing
