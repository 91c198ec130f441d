#include "millrace/dsl/detail/stream_handle.h"

#include <string>
#include <utility>

#include "millrace/error.h"

namespace millrace::detail {

StreamHandle::StreamHandle(Handle place, Keys keys) : Handle(std::move(place)), keys_(keys) {}
StreamHandle::StreamHandle(const StreamHandle&) = default;
StreamHandle& StreamHandle::operator=(const StreamHandle&) = default;
StreamHandle::~StreamHandle() = default;

Handle StreamHandle::add(std::string_view word, const Named& named,
                         const graph::Node* prototype) const {
  const NodeId id =
      graph()->add_processor({word, named.name.view(), named.where}, {node()}, prototype);
  return {graph(), id};
}

void StreamHandle::add_sink(std::string topic, OperatorName name, SourceLocation where,
                            const graph::Node* prototype) const {
  graph()->add_sink({"to", name.view(), where}, node(), std::move(topic), prototype);
}

Handle StreamHandle::add_repartition(std::string_view word, Name name,
                                     std::optional<std::int32_t> partitions, SourceLocation where,
                                     const graph::Node* sink, const graph::Node* source) const {
  if (partitions && *partitions < 1) {
    graph()->report(
        where, "a topic has at least one partition: .partitions is " + std::to_string(*partitions));
    partitions = 1;
  }
  const auto added = graph()->add_repartition({word, name.view(), where}, node(), name.str(),
                                              partitions, sink, source);
  return {graph(), added.source};
}

Handle StreamHandle::add_merge(const StreamHandle& other, const Named& named,
                               const graph::Node* prototype) const {
  if (other.graph() != graph()) {
    graph()->report(named.where, "the merged streams are of two builders: build them with one");
    return add("merge", named, prototype);
  }
  const NodeId id = graph()->add_processor({"merge", named.name.view(), named.where},
                                           {node(), other.node()}, prototype);
  return {graph(), id};
}

Handle StreamHandle::add_process(std::string_view word, const Processed& options,
                                 const graph::Node* prototype) const {
  const NodeId id = graph()->add_processor({word, options.name.view(), options.where}, {node()},
                                           prototype, store_names(options));
  for (const ConnectedStore& store : options.stores) {
    graph()->need_store(store.name());
    if (store.key_type() == nullptr) continue;
    graph()->expect_store(store.name(), store.kind(), *store.key_type(), *store.value_type(),
                          options.where);
  }
  return {graph(), id};
}

std::vector<std::string> store_names(const Processed& options) {
  std::vector<std::string> names;
  for (const ConnectedStore& store : options.stores) names.emplace_back(store.name());
  return names;
}

void StreamHandle::require_in_place(std::string_view what, SourceLocation where) const {
  if (keys_ == Keys::kMoved) {
    graph()->report(where, "records are not in place: put .repartition(\"a-name\") before it");
  } else {
    graph()->require_copartition(what, where, {node()});
  }
}

Timestamp record_or_partition_time(const RecordContext& context, Timestamp partition_time) {
  if (context.timestamp >= Timestamp{}) return context.timestamp;
  if (partition_time < Timestamp{}) {
    throw SerdeError(
        "the record has no valid timestamp, and there is none before it in its partition");
  }
  return partition_time;
}

}  // namespace millrace::detail
