#include "millrace/dsl/detail/table_handle.h"

#include <utility>

namespace millrace::detail {

TableHandle::TableHandle(Handle place, std::string_view store)
    : Handle(std::move(place)), store_(store) {}
TableHandle::TableHandle(const TableHandle&) = default;
TableHandle& TableHandle::operator=(const TableHandle&) = default;
TableHandle::~TableHandle() = default;

Handle add_below(const Handle& parent, std::string_view word, const Named& named,
                 const graph::Node* prototype) {
  return {parent.graph(), parent.graph()->add_processor({word, named.name.view(), named.where},
                                                        {parent.node()}, prototype)};
}

TableHandle add_kept(const Handle& parent, std::string_view word, graph::StoreSpec store,
                     const graph::Node* prototype) {
  const std::string name = store.name;
  const SourceLocation where = store.where;
  parent.graph()->add_store(std::move(store));
  const NodeId node =
      parent.graph()->add_processor({word, name, where}, {parent.node()}, prototype, {name});
  return TableHandle({parent.graph(), node}, name);
}

Handle add_internal_topic(const Handle& parent, const graph::GraphBuilder::Label& label,
                          std::optional<std::int32_t> partitions, const graph::Node* sink,
                          const graph::Node* source) {
  if (partitions && *partitions < 1) {
    parent.graph()->report(label.where, "a topic has at least one partition: .partitions is " +
                                            std::to_string(*partitions));
    partitions = 1;
  }
  const auto topic = parent.graph()->add_repartition(label, parent.node(), std::string(label.name),
                                                     partitions, sink, source);
  return {parent.graph(), topic.source};
}

}  // namespace millrace::detail
