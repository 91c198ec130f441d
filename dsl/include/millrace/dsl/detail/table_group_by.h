// What group_by() on a table makes: a node that turns the change of a row into values that leave
// and enter groups, and the internal topic that takes them to where their group lives (SEMANTICS
// R-KT5).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/detail/assert.h"
#include "millrace/detail/graph_builder.h"
#include "millrace/detail/sink_node.h"
#include "millrace/dsl/detail/callable.h"
#include "millrace/dsl/detail/change.h"
#include "millrace/dsl/detail/change_serde.h"
#include "millrace/dsl/detail/table_handle.h"
#include "millrace/dsl/detail/table_store.h"
#include "millrace/dsl/detail/topic_nodes.h"
#include "millrace/dsl/options.h"

namespace millrace::detail {

// F: (const V&) or (const K&, const V&) -> KeyValue<K2, V2>. It is called for the old value of each
// row, too, and must answer as it did then: whatever else it depends on, the value it once put into
// a group is taken out of the group that it names now.
template <class K, class V, class K2, class V2, class F>
class TableGroupByNode final : public graph::Input<K, Change<V>> {
 public:
  TableGroupByNode(F mapper, const AnySerde<K2>& key_serde)
      : mapper_(std::move(mapper)), left_(key_serde), entered_(key_serde) {}
  graph::Node* clone() const override { return new TableGroupByNode(*this); }

  void init(graph::NodeContext&) override {
    const bool sends = this->parents().front()->send_old_values();
    MILLRACE_ASSERT(sends, "a grouped table does not know its old values");
  }

  // A row that stays in its group is one message, so that nobody sees the group without it. One
  // that moves leaves first. A null group or value: the row belongs to no group.
  void process(const K& key, const Change<V>& change, const RecordContext& context) override {
    Pair before = map(key, *change.before);
    Pair now = map(key, *change.now);
    KeyBytes left;
    KeyBytes entered;
    if (before) left = left_.describe(left_.write(before->key, {}));
    if (now) entered = entered_.describe(entered_.write(now->key, {}));
    const bool stays = before && now && left.bytes == entered.bytes;

    if (before) {
      message_.before = std::move(before->value);
      if (!stays) send(before->key, left, context);
    }
    if (now) {
      message_.now = std::move(now->value);
      send(now->key, entered, context);
    }
  }

 private:
  using Pair = std::optional<KeyValue<K2, V2>>;

  Pair map(const K& key, const std::optional<V>& value) {
    if (!value) return std::nullopt;
    Pair pair = call(mapper_, key, *value);
    if (is_null(pair->key) || is_null(pair->value)) pair.reset();
    return pair;
  }

  // Effect: sends message_ and empties it.
  void send(const K2& key, KeyBytes key_bytes, const RecordContext& context) {
    RecordContext grouped = context;
    grouped.key_bytes = key_bytes;
    this->forward(key, message_, grouped);
    message_.now.reset();
    message_.before.reset();
  }

  F mapper_;
  KeyWriter<K2> left_;
  KeyWriter<K2> entered_;
  GroupChange<V2> message_;
};

// Effect: the node, the topic and its source, which is the result. The table's rows are kept from
// now on, because old values come from there.
template <class K, class V, class K2, class V2, class F>
Handle add_table_group_by(const TableHandle& table, std::string_view name, F mapper,
                          Grouped<K2, V2> options) {
  using Message = GroupChange<V2>;
  graph::GraphBuilder& graph = *table.graph();
  graph.need_store(table.store());
  const Handle changes =
      table.add("group_by", {.where = options.where},
                new TableGroupByNode<K, V, K2, V2, F>(std::move(mapper), options.key_serde));

  graph::SinkOptions<K2, Message> sink;
  sink.topic = graph::GraphBuilder::repartition_topic(name);
  sink.key_serde = options.key_serde;
  sink.value_serde = ChangeSerde<V2>(std::move(options.value_serde));
  sink.repartition = true;
  if (options.partitioner) {
    sink.partitioner = [choose = std::move(options.partitioner)](
                           const K2& key, const Message& message, std::int32_t partitions) {
      return choose(key, message.now ? *message.now : *message.before, partitions);
    };
  }
  const graph::Node* source = internal_source(options.key_serde, sink.value_serde);
  return add_internal_topic(changes, {"group_by", name, options.where}, options.partitions,
                            new graph::SinkNode<K2, Message>(std::move(sink)), source);
}

}  // namespace millrace::detail
