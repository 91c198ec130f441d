// TableHandle: what a KTable is without its types, and what its operators do to the graph without
// them. Compiled once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/dsl/detail/handle.h"
#include "millrace/dsl/options.h"

namespace millrace::detail {

class TableHandle : public Handle {
 public:
  // `store`: see store().
  TableHandle(Handle place, std::string_view store);
  TableHandle(const TableHandle&);
  TableHandle& operator=(const TableHandle&);
  ~TableHandle();

  // The store that look-ups and old values come from: this table's, or that of the nearest table
  // above that has one. A table named after its topic has one that is made only if somebody needs
  // it: GraphBuilder::need_store().
  const std::string& store() const { return store_; }

 private:
  std::string store_;
};

// Effect: adds the operator below its parent. Takes the prototype.
Handle add_below(const Handle& parent, std::string_view word, const Named& named,
                 const graph::Node* prototype);

// Effect: adds the operator and the store in which it keeps its rows; both are called after the
// store. Takes the prototype.
TableHandle add_kept(const Handle& parent, std::string_view word, graph::StoreSpec store,
                     const graph::Node* prototype);

// Effect: the sink and the source around an internal topic, whose name is label.name; the result is
// the source. Takes the prototypes.
Handle add_internal_topic(const Handle& parent, const graph::GraphBuilder::Label& label,
                          std::optional<std::int32_t> partitions, const graph::Node* sink,
                          const graph::Node* source);

}  // namespace millrace::detail
