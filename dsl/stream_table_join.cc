#include <algorithm>
#include <string>
#include <vector>

#include "millrace/detail/source_node.h"
#include "millrace/dsl/detail/stream_table_join_node.h"

namespace millrace::detail {

namespace {

using KeyFormat = graph::SourceNodeBase::KeyFormat;

// The known formats of this type's keys in the topics above a node.
std::vector<KeyFormat> key_formats(const graph::GraphBuilder& graph, NodeId node,
                                   const std::type_info& key_type) {
  std::vector<KeyFormat> formats;
  for (const NodeId id : graph.sources_of(node)) {
    const graph::Node* prototype =
        graph.nodes()[static_cast<std::size_t>(id.value())].prototype.get();
    const auto* source = dynamic_cast<const graph::SourceNodeBase*>(prototype);
    if (source == nullptr) continue;
    const KeyFormat format = source->key_format();
    if (format.serde != nullptr && *format.type == key_type) formats.push_back(format);
  }
  return formats;
}

bool serialize_keys_differently(const graph::GraphBuilder& graph, NodeId a, NodeId b,
                                const std::type_info& key_type) {
  const auto formats_of_b = key_formats(graph, b, key_type);
  for (const KeyFormat& of_a : key_formats(graph, a, key_type)) {
    for (const KeyFormat& of_b : formats_of_b) {
      if (of_a.serde != of_b.serde) return true;
    }
  }
  return false;
}

}  // namespace

void connect_table(const Handle& reader, const Handle& stream, const TableHandle& table,
                   const std::type_info& key_type, const graph::GraphBuilder::Label& label) {
  graph::GraphBuilder& graph = *reader.graph();
  if (table.graph() != reader.graph()) {
    graph.report(label.where, "the joined table is of another builder: build both with one");
    return;
  }
  graph.need_store(table.store());
  graph.connect_lookup(reader.node(), table.node(), label.word, label.where);
  if (serialize_keys_differently(graph, stream.node(), table.node(), key_type)) {
    graph.report(label.where,
                 "the keys of the joined sides are serialized by different serdes, so that equal "
                 "keys lie in different partitions: name the same key serde for both topics");
  }
}

}  // namespace millrace::detail
