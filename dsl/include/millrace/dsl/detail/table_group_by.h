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

// Sends on what the mapper made of the old and the new value of a row.
template <class K, class V, class K2, class V2>
class TableGroupByBase : public graph::Input<K, Change<V>> {
 public:
  void init(graph::NodeContext&) override;

 protected:
  using Pair = std::optional<KeyValue<K2, V2>>;

  explicit TableGroupByBase(const AnySerde<K2>& key_serde);
  TableGroupByBase(const TableGroupByBase&);
  ~TableGroupByBase() override;

  // A row that stays in its group is one message, so that nobody sees the group without it. One
  // that moves leaves first. A null group or value: the row belongs to no group.
  void regroup(Pair before, Pair now, const RecordContext& context);

 private:
  // Effect: sends message_ and empties it.
  void send(const K2& key, KeyBytes key_bytes, const RecordContext& context);

  KeyWriter<K2> left_;
  KeyWriter<K2> entered_;
  GroupChange<V2> message_;
};

// F: (const V&) or (const K&, const V&) -> KeyValue<K2, V2>. It is called for the old value of each
// row, too, and must answer as it did then: whatever else it depends on, the value it once put into
// a group is taken out of the group that it names now.
template <class K, class V, class K2, class V2, class F>
class TableGroupByNode final : public TableGroupByBase<K, V, K2, V2> {
 public:
  TableGroupByNode(F mapper, const AnySerde<K2>& key_serde)
      : TableGroupByBase<K, V, K2, V2>(key_serde), mapper_(std::move(mapper)) {}
  graph::Node* clone() const override { return new TableGroupByNode(*this); }

  void process(const K& key, const Change<V>& change, const RecordContext& context) override {
    typename TableGroupByNode::Pair before;
    typename TableGroupByNode::Pair now;
    if (*change.before) before = call(mapper_, key, **change.before);
    if (*change.now) now = call(mapper_, key, **change.now);
    this->regroup(std::move(before), std::move(now), context);
  }

 private:
  F mapper_;
};

// Effect: the topic between the mapped changes and their groups; its source is the result.
template <class K2, class V2>
Handle add_group_topic(const Handle& changes, std::string_view name, Grouped<K2, V2> options) {
  using Message = GroupChange<V2>;
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

// Effect: the node, the topic and its source, which is the result. The table's rows are kept from
// now on, because old values come from there.
template <class K, class V, class K2, class V2, class F>
Handle add_table_group_by(const TableHandle& table, std::string_view name, F mapper,
                          Grouped<K2, V2> options) {
  table.graph()->need_store(table.store());
  const Handle changes =
      add_below(table, "group_by", {.where = options.where},
                new TableGroupByNode<K, V, K2, V2, F>(std::move(mapper), options.key_serde));
  return add_group_topic<K2, V2>(changes, name, std::move(options));
}

template <class K, class V, class K2, class V2>
TableGroupByBase<K, V, K2, V2>::TableGroupByBase(const AnySerde<K2>& key_serde)
    : left_(key_serde), entered_(key_serde) {}
template <class K, class V, class K2, class V2>
TableGroupByBase<K, V, K2, V2>::TableGroupByBase(const TableGroupByBase&) = default;
template <class K, class V, class K2, class V2>
TableGroupByBase<K, V, K2, V2>::~TableGroupByBase() = default;

template <class K, class V, class K2, class V2>
void TableGroupByBase<K, V, K2, V2>::init(graph::NodeContext&) {
  const bool sends = this->parents().front()->send_old_values();
  MILLRACE_ASSERT(sends, "a grouped table does not know its old values");
}

template <class K, class V, class K2, class V2>
void TableGroupByBase<K, V, K2, V2>::regroup(Pair before, Pair now, const RecordContext& context) {
  if (before && (is_null(before->key) || is_null(before->value))) before.reset();
  if (now && (is_null(now->key) || is_null(now->value))) now.reset();
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

template <class K, class V, class K2, class V2>
void TableGroupByBase<K, V, K2, V2>::send(const K2& key, KeyBytes key_bytes,
                                          const RecordContext& context) {
  RecordContext grouped = context;
  grouped.key_bytes = key_bytes;
  this->forward(key, message_, grouped);
  message_.now.reset();
  message_.before.reset();
}

}  // namespace millrace::detail
