// ToStreamNode: the changes of a table as the records of a stream; a deletion is std::nullopt.
#pragma once

#include <optional>

#include "millrace/detail/node.h"
#include "millrace/dsl/detail/change.h"

namespace millrace::detail {

// Copies nothing: what goes on is the table's own entry, borrowed.
template <class K, class V>
class ToStreamNode final : public graph::Input<K, Change<V>> {
 public:
  ToStreamNode() = default;
  graph::Node* clone() const override { return new ToStreamNode(*this); }

  void process(const K& key, const Change<V>& change, const RecordContext& context) override {
    this->forward(key, *change.now, context);
  }
};

}  // namespace millrace::detail
