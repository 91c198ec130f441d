#include "millrace/detail/graph_builder.h"

#include <algorithm>
#include <set>
#include <utility>

#include "millrace/detail/assert.h"
#include "millrace/error.h"

namespace millrace::graph {

struct GraphBuilder::State {
  std::vector<NodeSpec> nodes;  // by id: parents before children
  std::map<std::string, StoreSpec, std::less<>> stores;
  std::set<std::string, std::less<>> needed_stores;
  std::vector<StoreUse> store_uses;
  std::vector<RepartitionSpec> repartitions;
  std::vector<CopartitionGroup> copartition_groups;
  std::vector<LookupEdge> lookups;
  std::vector<std::string> mistakes;
  std::map<std::string, int> unnamed;  // how many nodes were given this name for want of another

  std::size_t index(NodeId id) const {
    MILLRACE_ASSERT(id.value() >= 0 && id.value() < static_cast<std::int32_t>(nodes.size()),
                    "a node of another graph");
    return static_cast<std::size_t>(id.value());
  }

  // The user's name, or "filter@file.cc:12"; a second filter of that line (a loop, a function that
  // builds a part) gets "#2", so that texts and counters can tell them apart.
  std::string name_of(const Label& label) {
    if (!label.name.empty()) return std::string(label.name);
    std::string name = std::string(label.word) + '@' + to_string(label.where);
    const int count = ++unnamed[name];
    if (count > 1) name += '#' + std::to_string(count);
    return name;
  }

  NodeId add(NodeSpec spec) {
    spec.id = NodeId(static_cast<std::int32_t>(nodes.size()));
    for (const NodeId parent : spec.parents) nodes[index(parent)].children.push_back(spec.id);
    nodes.push_back(std::move(spec));
    return nodes.back().id;
  }

  // What every node has, whatever its kind.
  NodeSpec spec_of(NodeKind kind, const Label& label, std::unique_ptr<const Node> prototype) {
    NodeSpec spec;
    spec.kind = kind;
    spec.name = name_of(label);
    spec.user_named = !label.name.empty();
    spec.where = label.where;
    spec.prototype = std::move(prototype);
    return spec;
  }

  // Effect: visits the node and all above it, each once. `through_topics`: also from an internal
  // topic's source to its sink.
  template <class F>
  void for_each_above(NodeId start, bool through_topics, F visit) const {
    std::vector<bool> seen(nodes.size());
    std::vector<NodeId> open = {start};
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      const NodeSpec& spec = nodes[index(id)];
      if (seen[index(id)]) continue;
      seen[index(id)] = true;
      visit(spec);
      open.insert(open.end(), spec.parents.begin(), spec.parents.end());
      if (!through_topics) continue;
      for (const RepartitionSpec& repartition : repartitions) {
        if (repartition.source == id) open.push_back(repartition.sink);
      }
    }
  }
};

namespace {

// "a.cc:3: filter", "the builder"
[[noreturn]] void fail_after_build(const std::string& what) {
  throw TopologyError("millrace: " + what +
                      " is used after build(): a builder makes one topology, and its streams and "
                      "tables end with it");
}

}  // namespace

GraphBuilder::State& GraphBuilder::open(std::string_view word, const SourceLocation& where) {
  if (!state_) fail_after_build(to_string(where) + ": " + std::string(word));
  return *state_;
}

const GraphBuilder::State& GraphBuilder::state() const {
  if (!state_) fail_after_build("the builder");
  return *state_;
}

GraphBuilder::GraphBuilder() : state_(std::make_unique<State>()) {}
GraphBuilder::GraphBuilder(GraphBuilder&&) noexcept = default;
GraphBuilder& GraphBuilder::operator=(GraphBuilder&&) noexcept = default;
GraphBuilder::~GraphBuilder() = default;

NodeId GraphBuilder::add_source(Label label, std::vector<std::string> topics,
                                const Node* prototype) {
  std::unique_ptr<const Node> owned(prototype);
  State& state = open(label.word, label.where);
  NodeSpec spec = state.spec_of(NodeKind::kSource, label, std::move(owned));
  spec.topics = std::move(topics);
  return state.add(std::move(spec));
}

NodeId GraphBuilder::add_processor(Label label, std::vector<NodeId> parents, const Node* prototype,
                                   std::vector<std::string> stores) {
  std::unique_ptr<const Node> owned(prototype);
  State& state = open(label.word, label.where);
  NodeSpec spec = state.spec_of(NodeKind::kProcessor, label, std::move(owned));
  spec.parents = std::move(parents);
  spec.stores = std::move(stores);
  return state.add(std::move(spec));
}

NodeId GraphBuilder::add_sink(Label label, NodeId parent, std::string topic,
                              const Node* prototype) {
  std::unique_ptr<const Node> owned(prototype);
  State& state = open(label.word, label.where);
  NodeSpec spec = state.spec_of(NodeKind::kSink, label, std::move(owned));
  spec.parents = {parent};
  spec.topics = {std::move(topic)};
  return state.add(std::move(spec));
}

GraphBuilder::Repartition GraphBuilder::add_repartition(Label label, NodeId parent,
                                                        std::string base,
                                                        std::optional<std::int32_t> partitions,
                                                        const Node* sink_prototype,
                                                        const Node* source_prototype) {
  std::unique_ptr<const Node> sink(sink_prototype);
  std::unique_ptr<const Node> source(source_prototype);
  const std::string topic = repartition_topic(base);
  Repartition ends;
  label.name = {};
  const std::string sink_name = topic + "-sink";
  ends.sink = add_sink({label.word, sink_name, label.where}, parent, topic, sink.release());
  const std::string source_name = topic + "-source";
  ends.source = add_source({label.word, source_name, label.where}, {topic}, source.release());
  RepartitionSpec spec;
  spec.name = std::move(base);
  spec.where = label.where;
  spec.partitions = partitions;
  spec.sink = ends.sink;
  spec.source = ends.source;
  open(label.word, label.where).repartitions.push_back(std::move(spec));
  return ends;
}

std::string GraphBuilder::repartition_topic(std::string_view base) {
  return std::string(base) + "-repartition";
}

void GraphBuilder::add_store(StoreSpec store) {
  State& state = open("a store", store.where);
  if (state.needed_stores.count(store.name) > 0) store.needed = true;
  const auto [existing, added] = state.stores.try_emplace(store.name, std::move(store));
  if (added) return;
  // try_emplace left `store` alone.
  report(store.where, "the store '" + store.name + "' was already made at " +
                          to_string(existing->second.where) +
                          ": choose another name, or use the one that is there");
}

void GraphBuilder::need_store(std::string_view name) {
  State& state = open("a table", {});
  state.needed_stores.emplace(name);
  const auto store = state.stores.find(name);
  if (store != state.stores.end()) store->second.needed = true;
}

void GraphBuilder::expect_store(std::string_view name, state::StoreKind kind,
                                const std::type_info& key_type, const std::type_info& value_type,
                                SourceLocation where) {
  open("a store", where)
      .store_uses.push_back({std::string(name), kind, &key_type, &value_type, where});
}

void GraphBuilder::connect_lookup(NodeId reader, NodeId table, std::string_view word,
                                  SourceLocation where) {
  open(word, where).lookups.push_back({reader, table});
  require_copartition(word, where, {reader, table});
}

void GraphBuilder::require_copartition(std::string_view what, SourceLocation where,
                                       const std::vector<NodeId>& nodes) {
  State& state = open(what, where);
  CopartitionGroup group{std::string(what), where, {}};
  for (const NodeId node : nodes) {
    for (const NodeId source : sources_of(node)) group.sources.push_back(source);
  }
  std::sort(group.sources.begin(), group.sources.end());
  group.sources.erase(std::unique(group.sources.begin(), group.sources.end()), group.sources.end());
  state.copartition_groups.push_back(std::move(group));
}

void GraphBuilder::keep_null_keys_above(NodeId node) {
  State& state = open("a join", {});
  state.for_each_above(node, true, [&state](const NodeSpec& spec) {
    for (RepartitionSpec& repartition : state.repartitions) {
      if (repartition.source == spec.id) repartition.keep_null_keys = true;
    }
  });
}

void GraphBuilder::report(SourceLocation where, std::string mistake) {
  open("an operator", where)
      .mistakes.push_back("millrace: " + to_string(where) + ": " + std::move(mistake));
}

const std::vector<NodeSpec>& GraphBuilder::nodes() const { return state().nodes; }
const std::map<std::string, StoreSpec, std::less<>>& GraphBuilder::stores() const {
  return state().stores;
}
const std::vector<RepartitionSpec>& GraphBuilder::repartitions() const {
  return state().repartitions;
}
const std::vector<CopartitionGroup>& GraphBuilder::copartition_groups() const {
  return state().copartition_groups;
}
const std::vector<std::string>& GraphBuilder::mistakes() const { return state().mistakes; }
const std::vector<GraphBuilder::LookupEdge>& GraphBuilder::lookups() const {
  return state().lookups;
}
const std::vector<GraphBuilder::StoreUse>& GraphBuilder::store_uses() const {
  return state().store_uses;
}

std::vector<NodeId> GraphBuilder::sources_of(NodeId node) const {
  std::vector<NodeId> sources;
  state().for_each_above(node, false, [&](const NodeSpec& spec) {
    if (spec.kind == NodeKind::kSource) sources.push_back(spec.id);
  });
  std::sort(sources.begin(), sources.end());
  return sources;
}

}  // namespace millrace::graph
