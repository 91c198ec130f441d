// TableNode: a node that stands for a table. It takes part in the change protocol, and answers
// look-ups by key, from its store or by asking the table above it (ENGINE §11).
#pragma once

#include <optional>

#include "millrace/detail/assert.h"
#include "millrace/detail/node.h"
#include "millrace/dsl/detail/change.h"

namespace millrace::detail {

// Looks up the current row of a table in the same task.
template <class K, class V>
class Lookup {
 public:
  virtual ~Lookup() = default;

  struct Row {
    const V* value = nullptr;  // nullptr: no such row
    Timestamp timestamp = kNoTimestamp;
  };

  // `scratch` holds the value where it has to be computed; the row is valid until it or the store
  // changes. `key_bytes` may carry the key's serialized form (ENGINE §11).
  virtual Row find(const K& key, const KeyBytes& key_bytes, std::optional<V>& scratch) = 0;
};

// The table above this node, which has one parent. REQUIRES: the nodes are connected.
template <class K, class V>
Lookup<K, V>& parent_table(const graph::Node& node) {
  auto* table = dynamic_cast<Lookup<K, V>*>(node.parents().front());
  MILLRACE_ASSERT(table != nullptr, "the node above a table operator is no table of its types");
  return *table;
}

// In: what arrives (a record of a source or repartition topic, or a Change of a parent table).
template <class K, class In, class V>
class TableNode : public graph::Input<K, In>, public Lookup<K, V> {
 protected:
  // Effect: tells every child. `before` may be nullptr.
  void forward_change(const K& key, const std::optional<V>* now, const std::optional<V>* before,
                      const RecordContext& context) {
    this->forward(key, Change<V>{now, before}, context);
  }
};

}  // namespace millrace::detail
