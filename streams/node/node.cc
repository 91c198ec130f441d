#include "millrace/detail/node.h"

namespace millrace::graph {

void Node::rethrow_from(const Node& node) {
  try {
    throw;
  } catch (const NodeError&) {
    throw;  // thrown further down, where its node was known
  } catch (...) {
    throw NodeError(node.name());
  }
}

}  // namespace millrace::graph
