// Hand-written nodes and a context without a task, for tests of graphs.
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/detail/node.h"
#include "millrace/detail/node_context.h"
#include "millrace/detail/sink_node.h"
#include "millrace/detail/source_node.h"

namespace millrace::graph::testing {

using Text = std::string;
using Trace = std::vector<std::string>;  // what happened, in order; outlives the nodes

// Notes what arrives, its life included, and passes it on.
class PassNode : public Input<Text, Text> {
 public:
  explicit PassNode(Trace& trace) : trace_(trace) {}
  Node* clone() const override { return new PassNode(*this); }
  void init(NodeContext&) override { trace_.push_back("init " + name()); }
  void close() override { trace_.push_back("close " + name()); }
  void process(const Text& key, const Text& value, const RecordContext& context) override {
    trace_.push_back(name() + ' ' + value);
    forward(key, value, context);
  }

 protected:
  Trace& trace_;
};

// Forwards the value twice, with a letter behind it.
class TwiceNode final : public PassNode {
 public:
  using PassNode::PassNode;
  Node* clone() const override { return new TwiceNode(*this); }
  void process(const Text& key, const Text& value, const RecordContext& context) override {
    forward(key, value + 'x', context);
    forward(key, value + 'y', context);
  }
};

// Throws when a record, init() or close() comes.
class FailingNode final : public Input<Text, Text> {
 public:
  enum class When { kInit, kProcess, kClose };
  explicit FailingNode(When when) : when_(when) {}
  Node* clone() const override { return new FailingNode(*this); }
  void init(NodeContext&) override { fail_if(When::kInit); }
  void close() override { fail_if(When::kClose); }
  void process(const Text&, const Text&, const RecordContext&) override { fail_if(When::kProcess); }

 private:
  void fail_if(When now) const {
    if (now == when_) throw std::domain_error("no such thing");
  }
  When when_;
};

inline const Node* text_source() {
  return new SourceNode<Text, Text>({default_serde<Text>(), default_serde<Text>(), {}, {}});
}

inline const Node* text_sink(std::string topic, bool repartition = false) {
  return new SinkNode<Text, Text>(
      {std::move(topic), default_serde<Text>(), default_serde<Text>(), {}, repartition});
}

// Keeps what sinks send; every topic has `partitions` partitions.
class FakeContext final : public NodeContext, private RecordCollector {
 public:
  struct Sent {
    std::string topic;
    Partition partition;
    OptionalBytes key;
    OptionalBytes value;
    std::int64_t timestamp;
  };

  explicit FakeContext(std::int32_t partitions = 10, TaskId task = {})
      : partitions_(partitions), task_(task) {}

  std::vector<Sent> sent;
  bool keep_null_keys = false;
  std::map<NodeId, Node*> nodes;

  TaskId task_id() const override { return task_; }
  state::Store* store(std::string_view) override { return nullptr; }
  state::TaskMemory& memory() override { return memory_; }
  RecordCollector& collector() override { return *this; }
  SinkTarget sink(std::string_view topic) override {
    topics_.emplace_back(topic);
    return {static_cast<std::int32_t>(topics_.size()) - 1, partitions_, keep_null_keys};
  }
  Node& node(NodeId id) override { return *nodes.at(id); }

  std::int64_t dropped(const std::string& node_and_reason) {
    return memory_[memory_.add("drop/" + node_and_reason, state::Persisted::kNo)];
  }

 private:
  void send(SinkTarget target, Partition partition, OptionalBytesView key, OptionalBytesView value,
            Timestamp timestamp, const Headers&) override {
    sent.push_back({topics_[static_cast<std::size_t>(target.index)], partition, OptionalBytes(key),
                    OptionalBytes(value), to_ms(timestamp)});
  }

  std::int32_t partitions_;
  TaskId task_;
  state::TaskMemory memory_;
  std::vector<std::string> topics_;
};

inline RecordContext context_at(std::int64_t timestamp_ms) {
  return {"in", Partition(3), Offset(42), from_ms(timestamp_ms), &Headers::none(), {}};
}

}  // namespace millrace::graph::testing
