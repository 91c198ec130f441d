#include "topology/validation.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "millrace/store_name.h"

namespace millrace::graph {

namespace {

// Kafka's rule for topics: that for names, but longer (SEMANTICS §3.1).
bool is_valid_topic(std::string_view topic) {
  return topic.size() <= 249 && topic != "." && topic != ".." &&
         (topic.size() <= 200
              ? is_valid_name(topic)
              : is_valid_name(topic.substr(0, 200)) && is_valid_name(topic.substr(200)));
}

class Check {
 public:
  explicit Check(const GraphBuilder& graph) : graph_(graph), mistakes_(graph.mistakes()) {}

  std::vector<std::string> run() {
    if (graph_.nodes().empty()) {
      mistakes_.push_back(
          "millrace: the topology is empty: begin with stream() or table(), and end with to()");
    }
    for (const NodeSpec& node : graph_.nodes()) {
      check_name(node);
      check_topics(node);
      check_edges(node);
    }
    for (const RepartitionSpec& repartition : graph_.repartitions()) check_repartition(repartition);
    for (const auto& [name, store] : graph_.stores()) {
      if (!is_valid_name(name)) add(store.where, invalid("a store", name));
      if (store.persistent && !store.logged) {
        add(store.where,
            "the store '" + name +
                "' would lie on disk without a changelog, and hold something else than "
                "what was committed after a crash: keep it in memory with .store = "
                "StoreKind::kInMemory, or leave it its changelog");
      }
    }
    for (const GraphBuilder::StoreUse& use : graph_.store_uses()) check_use(use);
    return std::move(mistakes_);
  }

 private:
  void add(const SourceLocation& where, const std::string& mistake) {
    mistakes_.push_back("millrace: " + to_string(where) + ": " + mistake);
  }

  static std::string invalid(std::string_view what, const std::string& name) {
    return "'" + name + "' cannot name " + std::string(what) +
           ": a name is 1 to 200 of A-Z a-z 0-9 . _ -";
  }

  // Where the first one of this name was written, or nullptr if this is the first.
  template <class Map>
  static const SourceLocation* earlier(Map& seen, const std::string& name,
                                       const SourceLocation& where) {
    const auto [at, is_first] = seen.try_emplace(name, where);
    return is_first ? nullptr : &at->second;
  }

  bool is_end_of_repartition(const NodeSpec& node) const {
    const auto& all = graph_.repartitions();
    return std::any_of(all.begin(), all.end(), [&](const RepartitionSpec& repartition) {
      return repartition.sink == node.id || repartition.source == node.id;
    });
  }

  const RepartitionSpec* repartition_of(std::string_view topic) const {
    for (const RepartitionSpec& repartition : graph_.repartitions()) {
      if (GraphBuilder::repartition_topic(repartition.name) == topic) return &repartition;
    }
    return nullptr;
  }

  void check_name(const NodeSpec& node) {
    if (!node.user_named || is_end_of_repartition(node)) return;
    if (!is_valid_name(node.name)) add(node.where, invalid("an operator", node.name));
    if (const SourceLocation* const first = earlier(node_names_, node.name, node.where)) {
      add(node.where, "an operator is already named '" + node.name + "', at " + to_string(*first) +
                          ": choose another name");
    }
  }

  void check_topics(const NodeSpec& node) {
    if (is_end_of_repartition(node)) return;  // their names are the repartition's
    for (const std::string& topic : node.topics) {
      if (!is_valid_topic(topic)) {
        add(node.where, "'" + topic +
                            "' cannot name a topic: a topic's name is 1 to 249 of "
                            "A-Z a-z 0-9 . _ -");
      }
      if (const RepartitionSpec* const owner = repartition_of(topic)) {
        add(node.where, "the topic '" + topic +
                            "' has the name of the internal topic of repartition '" + owner->name +
                            "' at " + to_string(owner->where) + ": rename the repartition");
      } else if (node.kind == NodeKind::kSource) {
        const SourceLocation* const first = earlier(read_topics_, topic, node.where);
        if (first != nullptr) {
          add(node.where, "the topic '" + topic + "' is already read at " + to_string(*first) +
                              ": read it once, and use the stream or table twice");
        }
      }
    }
    if (node.kind == NodeKind::kSource && node.topics.empty()) {
      add(node.where, node.name + " reads no topic: name at least one");
    }
  }

  void check_edges(const NodeSpec& node) {
    if (node.kind != NodeKind::kSource && node.parents.empty()) {
      add(node.where, node.name + " has no input: connect it to a stream or table");
    }
    for (const std::string& store : node.stores) {
      if (graph_.stores().count(store) > 0) continue;
      add(node.where, node.name + " uses the store '" + store +
                          "', which nobody added: call add_state_store() before build()");
    }
  }

  void check_repartition(const RepartitionSpec& repartition) {
    if (!is_valid_name(repartition.name)) {
      add(repartition.where, invalid("a repartition", repartition.name));
    }
    const SourceLocation* const first =
        earlier(repartition_names_, repartition.name, repartition.where);
    if (first != nullptr) {
      add(repartition.where, "a repartition is already named '" + repartition.name + "', at " +
                                 to_string(*first) +
                                 ": choose another name, or use that one's result twice");
    }
    if (repartition.partitions && *repartition.partitions <= 0) {
      add(repartition.where, "the repartition '" + repartition.name + "' asks for " +
                                 std::to_string(*repartition.partitions) +
                                 " partitions: ask for at least 1, or for none in particular");
    }
    const NodeSpec& source = graph_.nodes()[static_cast<std::size_t>(repartition.source.value())];
    if (source.children.empty()) {
      add(repartition.where, "nothing reads the repartition '" + repartition.name +
                                 "': use its result, or leave it out");
    }
  }

  void check_use(const GraphBuilder::StoreUse& use) {
    const auto store = graph_.stores().find(use.name);
    if (store == graph_.stores().end()) return;  // reported with the node that names it
    const StoreSpec& spec = store->second;
    const auto differs = [](const std::type_info* a, const std::type_info* b) {
      return a != nullptr && b != nullptr && *a != *b;
    };
    std::string what;
    if (spec.kind != use.kind) what = "another kind of store";
    if (differs(spec.key_type, use.key_type))
      what = what.empty() ? "other keys" : what + ", other keys";
    if (differs(spec.value_type, use.value_type)) {
      what = what.empty() ? "other values" : what + ", other values";
    }
    if (what.empty()) return;
    add(use.where, "the store '" + use.name + "' is used as " + what + " than it was made for at " +
                       to_string(spec.where) +
                       ": declare its typed name once and use that in both places");
  }

  const GraphBuilder& graph_;
  std::vector<std::string> mistakes_;
  std::map<std::string, SourceLocation> node_names_;
  std::map<std::string, SourceLocation> repartition_names_;
  std::map<std::string, SourceLocation> read_topics_;
};

}  // namespace

std::vector<std::string> find_mistakes(const GraphBuilder& graph) { return Check(graph).run(); }

}  // namespace millrace::graph
