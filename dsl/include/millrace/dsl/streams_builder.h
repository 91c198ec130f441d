// StreamsBuilder: where a topology begins.
//
//   StreamsBuilder builder;
//   builder.stream<NoKey, std::string>("lines")
//       .filter([](const std::string& line) { return !line.empty(); })
//       .to("full-lines");
//   Topology topology = builder.build();
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/dsl/detail/checks.h"
#include "millrace/dsl/kstream.h"
#include "millrace/dsl/options.h"
#include "millrace/topic.h"
#include "millrace/topology.h"

namespace millrace {

// Not thread-safe. Lifetime: the handles that it gives may outlive it, but not its build().
class StreamsBuilder {
 public:
  StreamsBuilder();
  ~StreamsBuilder();
  StreamsBuilder(const StreamsBuilder&) = delete;
  StreamsBuilder& operator=(const StreamsBuilder&) = delete;

  // The records of a topic. A null key or value that the type cannot hold is skipped and counted,
  // or fails: Consumed.on_null. Bytes that cannot be decoded stop the topology.
  template <class K, class V>
  [[nodiscard]] KStream<K, V> stream(const Topic<K, V>& topic, Consumed<K, V> options = {}) {
    auto* source = new graph::SourceNode<K, V>(
        {topic.serdes().key, topic.serdes().value, options.timestamp.function(), options.on_null});
    return {add_source({topic.name()}, options.name, options.where, source),
            detail::Keys::kInPlace};
  }

  // The same with the serdes of K and V: stream<std::string, Order>("orders").
  template <class K, class V>
  [[nodiscard]] KStream<K, V> stream(std::string topic, Consumed<K, V> options = {}) {
    if constexpr (detail::check_default_serdes<K, V>()) {
      return stream(Topic<K, V>(std::move(topic)), std::move(options));
    } else {
      return nowhere<K, V>();
    }
  }

  // The records of several topics as one stream: stream({kOrders, kReturns}). Where an operator
  // meets records by key, the topics must have the same number of partitions; checked at start.
  template <class K, class V>
  [[nodiscard]] KStream<K, V> stream(const std::vector<Topic<K, V>>& topics,
                                     Consumed<K, V> options = {}) {
    return merged(topics, std::move(options));
  }
  template <class K, class V>
  [[nodiscard]] KStream<K, V> stream(std::initializer_list<Topic<K, V>> topics,
                                     Consumed<K, V> options = {}) {
    return merged(std::vector<Topic<K, V>>(topics), std::move(options));
  }
  template <class K, class V>
  [[nodiscard]] KStream<K, V> stream(std::initializer_list<std::string_view> topics,
                                     Consumed<K, V> options = {}) {
    if constexpr (detail::check_default_serdes<K, V>()) {
      std::vector<Topic<K, V>> typed;
      for (const std::string_view topic : topics) typed.emplace_back(std::string(topic));
      return merged(typed, std::move(options));
    } else {
      return nowhere<K, V>();
    }
  }

  // Effect: checks the graph; the builder and its handles are finished then.
  // Errors: TopologyError that lists every mistake, one a line, each with file and line.
  [[nodiscard]] Topology build();

  // The graph under construction, for the parts of the DSL and for tests.
  const std::shared_ptr<graph::GraphBuilder>& graph() const { return graph_; }

 private:
  template <class K, class V>
  KStream<K, V> merged(const std::vector<Topic<K, V>>& topics, Consumed<K, V> options) {
    if (topics.empty()) {  // build() has a sentence for it
      auto* source = new graph::SourceNode<K, V>({});
      return {add_source({}, options.name, options.where, source), detail::Keys::kInPlace};
    }
    KStream<K, V> all = stream(topics.front(), options);
    for (std::size_t i = 1; i < topics.size(); ++i) {
      all = all.merge(stream(topics[i], options), {.where = options.where});
    }
    return all;
  }

  // For a branch that a static_assert cut off.
  template <class K, class V>
  KStream<K, V> nowhere() const {
    return {detail::Handle(graph_, graph::NodeId(0)), detail::Keys::kInPlace};
  }

  detail::Handle add_source(std::vector<std::string> topics, OperatorName name,
                            SourceLocation where, const graph::Node* source);

  std::shared_ptr<graph::GraphBuilder> graph_;
};

}  // namespace millrace
