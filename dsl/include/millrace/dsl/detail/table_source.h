// Where records become a table: the node, under a topic's source (table()) or in the middle of a
// graph (to_table()), and what puts it there. SEMANTICS R-KT2, R-N.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/detail/node_context.h"
#include "millrace/detail/source_node.h"
#include "millrace/dsl/detail/table_handle.h"
#include "millrace/dsl/detail/table_node.h"
#include "millrace/dsl/detail/table_store.h"
#include "millrace/dsl/detail/table_store_spec.h"
#include "millrace/dsl/detail/topic_nodes.h"
#include "millrace/dsl/options.h"
#include "millrace/store_name.h"
#include "millrace/topic.h"

namespace millrace::detail {

// In: V, or std::optional<V>, whose empty state deletes the row. A table that is not kept passes
// every record on and knows no old values; one that is kept passes every record on as well, also
// one that changes nothing, and one that is older than the row: tables follow the order of their
// log.
template <class K, class In, class V>
class TableSourceNode final : public TableNode<K, In, V> {
 public:
  explicit TableSourceNode(TableStore<K, V> store) : store_(std::move(store)) {}
  graph::Node* clone() const override { return new TableSourceNode(*this); }

  void init(graph::NodeContext& context) override {
    store_.init(context);
    if constexpr (Nullable<K>) {
      null_keys_ = context.drop_counter(*this, graph::DropReason::kNullKey);
    }
  }

  bool send_old_values() override { return old_values_ = store_.kept(); }

  void process(const K& key, const In& value, const RecordContext& context) override {
    if (is_null(key)) return null_keys_.count();
    if (store_.kept()) {
      this->forward(key, store_.put(key, context.key_bytes, value, context.timestamp, old_values_),
                    context);
    } else {
      forward_unkept(key, value, context);
    }
  }

  typename Lookup<K, V>::Row find(const K& key, const KeyBytes& key_bytes,
                                  std::optional<V>&) override {
    return store_.find(key, key_bytes);
  }

 private:
  void forward_unkept(const K& key, const In& value, const RecordContext& context) {
    if constexpr (std::same_as<In, std::optional<V>>) {
      const bool null_inside = value && is_null(*value);
      this->forward_change(key, null_inside ? &nothing_ : &value, nullptr, context);
    } else {
      scratch_ = value;
      without_null(scratch_);
      this->forward_change(key, &scratch_, nullptr, context);
    }
  }

  TableStore<K, V> store_;
  graph::DropCounter null_keys_;
  bool old_values_ = false;
  std::optional<V> scratch_;
  const std::optional<V> nothing_;
};

// The options of a table's store where none are named: the serdes of its topic.
template <class K, class V, class TV>
Materialized<K, V> materialized_as(const Topic<K, TV>& topic, SourceLocation where) {
  return {.key_serde = topic.serdes().key,
          .value_serde = value_serde_of<V>(topic.serdes().value),
          .where = where};
}

// Effect: a source and a table of its records. Without a store name the store is called after the
// topic and made only if somebody needs it. TV: V or std::optional<V>.
template <class K, class V, class TV>
TableHandle add_table(const std::shared_ptr<graph::GraphBuilder>& graph, const Topic<K, TV>& topic,
                      std::optional<KeyValueStoreName<K, V>> store,
                      const Consumed<K, std::optional<V>>& consumed,
                      const Materialized<K, V>& materialized) {
  const std::string name(store ? store->view() : std::string_view(topic.name()));
  graph::StoreSpec spec = table_store_spec(name, materialized);
  spec.needed = store.has_value();
  graph->add_store(std::move(spec));
  const NodeId source = graph->add_source(
      {"table", consumed.name.view(), consumed.where}, {topic.name()},
      new graph::SourceNode<K, std::optional<V>>({topic.serdes().key, topic.serdes().value,
                                                  consumed.timestamp.function(), consumed.on_null,
                                                  consumed.timestamp.by_wall_clock(),
                                                  consumed.timestamp.logs_dropped()}));
  const NodeId table = graph->add_processor(
      {"rows", {}, consumed.where}, {source},
      new TableSourceNode<K, std::optional<V>, V>(TableStore<K, V>(name, materialized.key_serde)),
      {name});
  return TableHandle({graph, table}, name);
}

// Effect: the records of a stream become a table. In: V or std::optional<V>.
// REQUIRES: the stream's records are in place.
template <class K, class In, class V>
TableHandle add_to_table(const Handle& stream, KeyValueStoreName<K, V> store,
                         const Materialized<K, V>& options) {
  return add_kept(stream, "to_table", table_store_spec(store.view(), options),
                  new TableSourceNode<K, In, V>(TableStore<K, V>(store.view(), options.key_serde)));
}

}  // namespace millrace::detail
