// The graph while it is being written: nodes, edges, stores and topics, without types. What the DSL's
// handles and the low-level Topology write into, and what build() checks and cuts into sub-topologies.
//
// Mistakes are collected, not thrown: build() reports all of them at once, each with its place.
// Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "millrace/detail/node.h"
#include "millrace/detail/node_context.h"
#include "millrace/source_location.h"

namespace millrace::state {
class DiskTable;
}

namespace millrace::graph {

enum class NodeKind { kSource, kProcessor, kSink };

struct NodeSpec {
  NodeId id;
  NodeKind kind = NodeKind::kProcessor;
  std::string name;  // shown and printed, unique: the user's, or "filter@file.cc:12"
  bool user_named = false;
  SourceLocation where;
  std::unique_ptr<const Node> prototype;
  std::vector<NodeId> parents;
  std::vector<NodeId> children;     // in the order of R-F1
  std::vector<std::string> stores;  // that it reads or writes
  std::vector<std::string> topics;  // a source's topics; a sink's one topic
};

// How a changelog topic is kept (SEMANTICS §3.3, DESIGN §7 "History").
enum class ChangelogCleanup { kCompact, kCompactDelete, kDelete };

struct StoreSpec {
  std::string name;
  SourceLocation where;
  // Whether it is made at all: a table's own store is, only if it was named or something needs it.
  bool needed = true;
  bool logged = true;
  ChangelogCleanup cleanup = ChangelogCleanup::kCompact;
  state::StoreKind kind = state::StoreKind::kTimestampedKeyValue;
  const std::type_info* key_type = nullptr;
  const std::type_info* value_type = nullptr;
  // An AnySerde<K> of key_type: what processors write keys with. Shared by all tasks: they copy it.
  std::shared_ptr<const void> key_serde;
  // Whether it lies on disk where the process has one (state::DiskHost).
  bool persistent = false;
  // What the store on disk says of itself, beside its changelog and partition count, which the
  // engine knows (state::StoreIdentity).
  std::map<std::string, std::string> facts;
  // One per task. `disk`: its table below memory, which outlives it; nullptr: memory is all it has.
  std::function<std::unique_ptr<state::Store>(state::DiskTable* disk)> make;
};

// A topic that the engine owns, written by one sink and read by one source of this graph. Its full
// name is "<application.id>-<name>-repartition".
struct RepartitionSpec {
  std::string name;
  SourceLocation where;
  std::optional<std::int32_t> partitions;  // nullopt: as many as the sources above need (R-RP4)
  NodeId sink;
  NodeId source;
  bool keep_null_keys = false;  // a join below takes them (R-RP2)
};

// Sources whose topics must have the same number of partitions, because a join or a shared store
// meets their records by key.
struct CopartitionGroup {
  std::string what;  // the operator, for the message
  SourceLocation where;
  std::vector<NodeId> sources;
};

class GraphBuilder {
 public:
  GraphBuilder();
  // What was moved from is finished: everything throws TopologyError.
  GraphBuilder(GraphBuilder&&) noexcept;
  GraphBuilder& operator=(GraphBuilder&&) noexcept;
  ~GraphBuilder();

  // What an operator calls itself: the user's name, or the operator's word and place.
  struct Label {
    std::string_view word;  // "filter"
    std::string_view name;  // "" : unnamed
    SourceLocation where;
  };

  // Effect: takes the prototype; the topics must not be read by another source of this graph.
  NodeId add_source(Label label, std::vector<std::string> topics, const Node* prototype);
  NodeId add_processor(Label label, std::vector<NodeId> parents, const Node* prototype,
                       std::vector<std::string> stores = {});
  NodeId add_sink(Label label, NodeId parent, std::string topic, const Node* prototype);

  // Effect: the sink and the source around an internal topic. `base` is the user's name; the topic's
  // name inside the graph is repartition_topic(base), the nodes' names are that and -sink or -source.
  struct Repartition {
    NodeId sink;
    NodeId source;
  };
  Repartition add_repartition(Label label, NodeId parent, std::string base,
                              std::optional<std::int32_t> partitions, const Node* sink_prototype,
                              const Node* source_prototype);
  static std::string repartition_topic(
      std::string_view base);  // "<base>-repartition", without the application id

  void add_store(StoreSpec store);
  // Effect: a store that was only declared is made after all.
  void need_store(std::string_view name);
  // Effect: what is written here uses the store with these types; build() checks that it has them.
  void expect_store(std::string_view name, state::StoreKind kind, const std::type_info& key_type,
                    const std::type_info& value_type, SourceLocation where);

  // Effect: `reader` looks up values in `table`: same task, and equal partition counts of their sources.
  void connect_lookup(NodeId reader, NodeId table, std::string_view word, SourceLocation where);

  // Effect: all sources above these nodes must have equal partition counts, because the operator
  // `what` meets their records by key.
  void require_copartition(std::string_view what, SourceLocation where,
                           const std::vector<NodeId>& nodes);

  // Effect: every internal topic above this node keeps records with null keys: a left or outer join
  // answers them (R-RP2, KIP-962).
  void keep_null_keys_above(NodeId node);

  // Effect: notes a mistake that was found while the graph was written; build() reports it.
  void report(SourceLocation where, std::string mistake);

  // The graph as it is now. References stay valid until the next add_.
  const std::vector<NodeSpec>& nodes() const;
  const std::map<std::string, StoreSpec, std::less<>>& stores() const;
  const std::vector<RepartitionSpec>& repartitions() const;
  const std::vector<CopartitionGroup>& copartition_groups() const;
  const std::vector<std::string>& mistakes() const;
  struct LookupEdge {
    NodeId reader;
    NodeId table;
  };
  const std::vector<LookupEdge>& lookups() const;
  struct StoreUse {
    std::string name;
    state::StoreKind kind;
    const std::type_info* key_type;
    const std::type_info* value_type;
    SourceLocation where;
  };
  const std::vector<StoreUse>& store_uses() const;

  // The sources whose records can reach this node without passing an internal topic.
  std::vector<NodeId> sources_of(NodeId node) const;

 private:
  struct State;
  // Errors: TopologyError with the operator's word and place, where the graph was moved from.
  State& open(std::string_view word, const SourceLocation& where);
  const State& state() const;

  std::unique_ptr<State> state_;
};

}  // namespace millrace::graph
