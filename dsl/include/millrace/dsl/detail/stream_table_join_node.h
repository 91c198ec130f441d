// What join() and left_join() of a stream with a table make: each record of the stream meets the
// row that the table holds for its key at that moment; changes of the table make no results
// (SEMANTICS R-ST1 to R-ST3, R-N).
#pragma once

#include <optional>
#include <typeinfo>
#include <utility>

#include "millrace/detail/assert.h"
#include "millrace/detail/graph_builder.h"
#include "millrace/detail/node_context.h"
#include "millrace/dsl/detail/join_checks.h"
#include "millrace/dsl/detail/table_handle.h"
#include "millrace/dsl/detail/table_node.h"

namespace millrace {

template <class K, class V>
class KTable;

namespace detail {

// Time and headers of a result are those of the stream's record.
template <JoinKind kKind, class K, class V1, class V2, class F>
class StreamTableJoinNode final : public graph::Input<K, V1> {
 public:
  StreamTableJoinNode(NodeId table, F joiner) : table_id_(table), joiner_(std::move(joiner)) {}
  graph::Node* clone() const override { return new StreamTableJoinNode(*this); }

  void init(graph::NodeContext& context) override {
    table_ = dynamic_cast<Lookup<K, V2>*>(&context.node(table_id_));
    MILLRACE_ASSERT(table_ != nullptr, "a stream is joined with what is no table of its types");
    if constexpr (Nullable<V1>) {
      null_values_ = context.drop_counter(*this, graph::DropReason::kNullValue);
    }
    if constexpr (Nullable<K>) {
      null_keys_ = context.drop_counter(*this, graph::DropReason::kNullKey);
    }
  }

  void process(const K& key, const V1& value, const RecordContext& context) override {
    if (is_null(value)) return null_values_.count();
    if constexpr (kKind == JoinKind::kLeft) {
      const V2* right = nullptr;  // also for a record without a key
      if (!is_null(key)) right = table_->find(key, context.key_bytes, scratch_).value;
      this->forward(key, call_joiner<F, K, V1, const V2*>(joiner_, key, value, right), context);
    } else {
      if (is_null(key)) return null_keys_.count();
      const V2* right = table_->find(key, context.key_bytes, scratch_).value;
      if (right == nullptr) return;
      this->forward(key, call_joiner<F, K, V1, const V2&>(joiner_, key, value, *right), context);
    }
  }

 private:
  NodeId table_id_;
  F joiner_;
  Lookup<K, V2>* table_ = nullptr;
  std::optional<V2> scratch_;
  graph::DropCounter null_keys_;
  graph::DropCounter null_values_;
};

// Effect: `reader`, whose records come from `stream`, can look up the rows of `table`: in the same
// task, from a store that is made from now on. Mistakes that only the graph knows (a table of
// another builder, keys that the two sides serialize differently) are noted for build().
void connect_table(const Handle& reader, const Handle& stream, const TableHandle& table,
                   const std::type_info& key_type, const graph::GraphBuilder::Label& label);

// Effect: the node of the join. Its results are joiner_result_t<F, K, V1, RightSide<kKind, V2>>.
// REQUIRES: mistake_in_join() found none; the stream's records are in place.
template <JoinKind kKind, class K, class V1, class V2, class F>
Handle add_stream_table_join(const Handle& stream, const KTable<K, V2>& table, F joiner,
                             const graph::GraphBuilder::Label& label) {
  const Handle join(stream.graph(),
                    stream.graph()->add_processor(label, {stream.node()},
                                                  new StreamTableJoinNode<kKind, K, V1, V2, F>(
                                                      table.node(), std::move(joiner))));
  connect_table(join, stream, table, typeid(K), label);
  if constexpr (kKind == JoinKind::kLeft) stream.graph()->keep_null_keys_above(stream.node());
  return join;
}

}  // namespace detail
}  // namespace millrace
