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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/dsl/detail/checks.h"
#include "millrace/dsl/detail/series_store_spec.h"
#include "millrace/dsl/detail/table_checks.h"
#include "millrace/dsl/detail/table_source.h"
#include "millrace/dsl/detail/table_store_spec.h"
#include "millrace/dsl/kstream.h"
#include "millrace/dsl/ktable.h"
#include "millrace/dsl/options.h"
#include "millrace/store_name.h"
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
  // or fails: Consumed.on_null. Bytes that cannot be decoded go to the
  // deserialization handler (handlers.h).
  template <class K, class V>
  [[nodiscard]] KStream<K, V> stream(const Topic<K, V>& topic, Consumed<K, V> options = {}) {
    auto* source = new graph::SourceNode<K, V>(
        {topic.serdes().key, topic.serdes().value, options.timestamp.function(), options.on_null,
         options.timestamp.by_wall_clock(), options.timestamp.logs_dropped()});
    return {add_source({topic.name()}, options.name, options.where, source),
            detail::Keys::kInPlace};
  }

  // The same with the serdes of K and V: stream<std::string, Order>("orders").
  template <class K, class V>
  [[nodiscard]] KStream<K, V> stream(std::string topic, Consumed<K, V> options = {}) {
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, V>(), K, V>::value) {
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
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, V>(), K, V>::value) {
      std::vector<Topic<K, V>> typed;
      for (const std::string_view topic : topics) typed.emplace_back(std::string(topic));
      return merged(typed, std::move(options));
    } else {
      return nowhere<K, V>();
    }
  }

  // The newest value of each key of a topic; a null value deletes, whether the topic was declared
  // with std::optional or not. Null keys are dropped and counted. An older record replaces a newer
  // one: a table follows the order of its log (SEMANTICS R-KT2).
  //
  // With a store name the rows are kept in that store, with a changelog of its own; without one
  // they are kept, in a store called after the topic, only if something needs them. Where
  // `materialized` is left out, the store writes with the topic's serdes.
  template <class K, class V>
  [[nodiscard]] auto table(const Topic<K, V>& topic, detail::TableConsumed<K, V> options = {}) {
    return table_of<K, V>(topic, std::nullopt, options,
                          detail::materialized_as<K, detail::row_t<V>>(topic, options.where));
  }
  template <class K, class V>
  [[nodiscard]] auto table(const Topic<K, V>& topic, detail::TableStoreName<K, V> store,
                           detail::TableConsumed<K, V> options = {}) {
    return table_of<K, V>(topic, store, options,
                          detail::materialized_as<K, detail::row_t<V>>(topic, options.where));
  }
  template <class K, class V>
  [[nodiscard]] auto table(const Topic<K, V>& topic, detail::TableStoreName<K, V> store,
                           detail::TableConsumed<K, V> options,
                           Materialized<K, detail::row_t<V>> materialized) {
    return table_of<K, V>(topic, store, options, materialized);
  }

  // The same with the serdes of K and V: table<std::string, User>("users").
  template <class K, class V>
  [[nodiscard]] auto table(std::string topic, detail::TableConsumed<K, V> options = {}) {
    constexpr auto kMistake = detail::first_of(detail::mistake_in_table_key<K>(),
                                               detail::mistake_in_default_serdes<K, V>());
    if constexpr (detail::NoMistake<kMistake, K, V>::value) {
      return table(Topic<K, V>(std::move(topic)), std::move(options));
    } else {
      return detail::Failed();
    }
  }
  template <class K, class V>
  [[nodiscard]] auto table(std::string topic, detail::TableStoreName<K, V> store,
                           detail::TableConsumed<K, V> options = {}) {
    constexpr auto kMistake = detail::first_of(detail::mistake_in_table_key<K>(),
                                               detail::mistake_in_default_serdes<K, V>());
    if constexpr (detail::NoMistake<kMistake, K, V>::value) {
      return table(Topic<K, V>(std::move(topic)), store, std::move(options));
    } else {
      return detail::Failed();
    }
  }

  // Effect: a store for processors, with a changelog; process() connects them to it by its name. It
  // has one part per task of theirs.
  template <class K, class V>
  void add_state_store(KeyValueStoreName<K, V> store, Materialized<K, V> options) {
    graph_->add_store(detail::scanned(detail::table_store_spec(store.view(), options)));
  }
  template <class K, class V>
  void add_state_store(KeyValueStoreName<K, V> store,
                       SourceLocation where = SourceLocation::current()) {
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, V>(), K, V>::value) {
      add_state_store(store, Materialized<K, V>{.where = where});
    }
  }

  // The same for windows of this size. .retention: at least, and left out exactly, one window.
  template <class K, class V>
  void add_state_store(WindowStoreName<K, V> store, Duration window_size,
                       MaterializedWindows<K, V> options) {
    const Duration retention = options.retention.value_or(window_size);
    if (report_mistakes(window_size, retention, options.where)) return;
    graph_->add_store(
        detail::window_series_spec<K, V>(store.view(), window_size, retention, options));
  }
  template <class K, class V>
  void add_state_store(WindowStoreName<K, V> store, Duration window_size,
                       SourceLocation where = SourceLocation::current()) {
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, V>(), K, V>::value) {
      add_state_store(store, window_size, MaterializedWindows<K, V>{.where = where});
    }
  }

  // The same for sessions. `retention`: how long one can be read, counted from its end in stream time.
  template <class K, class V>
  void add_state_store(SessionStoreName<K, V> store, Duration retention,
                       Materialized<K, V> options) {
    if (report_mistake(retention, options.where)) return;
    graph_->add_store(detail::session_store_spec<K, V>(store.view(), retention, options));
  }
  template <class K, class V>
  void add_state_store(SessionStoreName<K, V> store, Duration retention,
                       SourceLocation where = SourceLocation::current()) {
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, V>(), K, V>::value) {
      add_state_store(store, retention, Materialized<K, V>{.where = where});
    }
  }

  // Effect: checks the graph; the builder and its handles are finished then.
  // Errors: TopologyError that lists every mistake, one a line, each with file and line.
  [[nodiscard]] Topology build();

  // The graph under construction, for the parts of the DSL and for tests.
  const std::shared_ptr<graph::GraphBuilder>& graph() const { return graph_; }

 private:
  template <class K, class V>
  auto table_of(const Topic<K, V>& topic, std::optional<detail::TableStoreName<K, V>> store,
                const detail::TableConsumed<K, V>& options,
                const Materialized<K, detail::row_t<V>>& materialized) {
    if constexpr (detail::NoMistake<detail::mistake_in_table_key<K>(), K>::value) {
      return KTable<K, detail::row_t<V>>(
          detail::add_table<K, detail::row_t<V>>(graph_, topic, store, options, materialized));
    } else {
      return detail::Failed();
    }
  }

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

  // Effect: notes what is wrong with a store of windows, if anything is; returns whether.
  bool report_mistakes(Duration window_size, Duration retention, SourceLocation where);
  bool report_mistake(Duration session_retention, SourceLocation where);

  detail::Handle add_source(std::vector<std::string> topics, OperatorName name,
                            SourceLocation where, const graph::Node* source);

  std::shared_ptr<graph::GraphBuilder> graph_;
};

}  // namespace millrace
