// Node: one operator in a task's copy of the graph, and the pattern that every operator follows.
//
// The graph holds one prototype of each node. Every task clones the prototypes, connects the clones
// and calls init(); after an abort it clones them anew. So a node owns copies of its user's callables,
// needs no lock, and keeps nothing that must survive: that lives in stores and task memory (DESIGN §4).
//
//   template <class K, class V, class F>
//   class FilterNode final : public Input<K, V> {
//    public:
//     explicit FilterNode(F f) : f_(std::move(f)) {}
//     Node* clone() const override { return new FilterNode(*this); }
//     void process(const K& key, const V& value, const RecordContext& context) override {
//       if (f_(value)) this->forward(key, value, context);
//     }
//    private:
//     F f_;
//   };
//
// A record runs depth-first: the first child to its end before the second (SEMANTICS R-F1). One
// virtual call per node, key and value by reference, no allocation.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/error.h"
#include "millrace/record.h"

namespace millrace::graph {

class NodeContext;
class Node;

template <class K, class V>
class Input;

// A user's exception on its way to the task, with the node that it came from. The original is nested.
class NodeError : public std::exception, public std::nested_exception {
 public:
  explicit NodeError(std::string node) : node_(std::move(node)) {}
  const std::string& node() const { return node_; }
  const char* what() const noexcept override { return node_.c_str(); }

 private:
  std::string node_;
};

// Not thread-safe: belongs to one task.
class Node {
 public:
  virtual ~Node() = default;

  // Effect: a copy without connections, owned by the caller. A raw pointer, because instantiating
  // std::unique_ptr<Concrete> per operator costs 5 to 10 times the compile time.
  virtual Node* clone() const = 0;

  // Effect: called once per clone, parents before children, when all are connected.
  virtual void init(NodeContext&) {}

  // Effect: called once per clone before it goes, on abort too; must be cheap.
  virtual void close() {}

  // Tables only: asks this node to send old values from now on; returns whether it will
  // (SEMANTICS R-KT1). Called from init() of a child.
  virtual bool send_old_values() { return false; }

  // Effect: hands the record to this node. REQUIRES: it takes records of these types.
  // Errors: what it throws, with its name, or that of the node below that threw (NodeError).
  template <class K, class V>
  static void deliver(Node& child, const K& key, const V& value, const RecordContext& context) {
    try {
      static_cast<Input<K, V>&>(child).process(key, value, context);
    } catch (...) {
      rethrow_from(child);
    }
  }

  const std::string& name() const { return name_; }
  const std::vector<Node*>& children() const { return children_; }
  const std::vector<Node*>& parents() const { return parents_; }

  // For the builder of a task's graph.
  void set_name(std::string name) { name_ = std::move(name); }
  void connect(Node& child) {
    children_.push_back(&child);
    child.parents_.push_back(this);
  }

 protected:
  Node() = default;
  // A copy starts without connections.
  Node(const Node& other) : name_(other.name_) {}
  Node& operator=(const Node&) = delete;

  // Effect: hands the record to every child, in the order in which they were added to the graph.
  // Errors: what a child throws, with its name (NodeError).
  template <class K, class V>
  void forward(const K& key, const V& value, const RecordContext& context) {
    for (Node* child : children_) deliver(*child, key, value, context);
  }

 private:
  [[noreturn]] static void rethrow_from(const Node& node);  // keeps the deepest node's name

  std::string name_;
  std::vector<Node*> children_;
  std::vector<Node*> parents_;
};

// A node that takes records of these types.
template <class K, class V>
class Input : public Node {
 public:
  virtual void process(const K& key, const V& value, const RecordContext& context) = 0;
};

}  // namespace millrace::graph
