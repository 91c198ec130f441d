// KGroupedStream<K,V>: a stream whose records lie in the partition of their key, ready to be
// aggregated per key.
//
//   orders.group_by_key().count("orders-per-customer");
//   orders.group_by("by-country", &Order::country)
//       .aggregate("totals", Totals{}, [](const Order& order, Totals totals) {
//         totals.cents += order.cents;
//         return totals;
//       });
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/dsl/detail/aggregate_checks.h"
#include "millrace/dsl/detail/aggregate_node.h"
#include "millrace/dsl/detail/handle.h"
#include "millrace/dsl/detail/table_store_spec.h"
#include "millrace/dsl/ktable.h"
#include "millrace/dsl/options.h"
#include "millrace/dsl/time_windowed_kstream.h"
#include "millrace/dsl/windows.h"
#include "millrace/store_name.h"

namespace millrace {

// The result of each aggregation is a table; every update is passed on. Its time is the later of
// the record's and the aggregate's (SEMANTICS R-KT7). Where the types have nulls, null keys and
// null values are dropped and counted (R-N).
//
// A store is a key-value store of this name with a compacted changelog. Errors, from build(): a
// name that is taken.
template <class K, class V>
class KGroupedStream : public detail::Handle {
 public:
  using Key = K;
  using Value = V;
  explicit KGroupedStream(detail::Handle place) : detail::Handle(std::move(place)) {}

  // How many records each key had.
  KTable<K, std::int64_t> count(KeyValueStoreName<K, std::int64_t> store,
                                Materialized<K, std::int64_t> options) const {
    return aggregated<std::int64_t>("count", store.view(), detail::CountStep{}, std::move(options));
  }
  KTable<K, std::int64_t> count(KeyValueStoreName<K, std::int64_t> store,
                                SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, std::int64_t>(),
                                    K>::value) {
      return count(store, Materialized<K, std::int64_t>{.where = where});
    } else {
      return {*this, store.view()};
    }
  }

  // Combines the values of each key: reducer(V aggregate, const V& value) -> V. The first value of
  // a key is its first aggregate, without a call.
  template <class F>
  KTable<K, V> reduce(KeyValueStoreName<K, V> store, F reducer, Materialized<K, V> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_reducer<F, V>(), F>::value) {
      return reduced(store.view(), std::move(reducer), std::move(options));
    } else {
      return {*this, store.view()};
    }
  }
  template <class F>
  KTable<K, V> reduce(KeyValueStoreName<K, V> store, F reducer,
                      SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_reducer<F, V>(),
                                                     detail::mistake_in_default_serdes<K, V>()),
                                    F>::value) {
      return reduced(store.view(), std::move(reducer), {.where = where});
    } else {
      return {*this, store.view()};
    }
  }

  // Folds the values of each key into an aggregate of another type. `initial` is the aggregate
  // before the first value, or a callable that makes it. The aggregator takes (const V&, A) or
  // (const K&, const V&, A), the old aggregate by value, and returns the new one; or a
  // std::optional<A>, where std::nullopt deletes it: the next value begins with `initial` again.
  template <class I, class F>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>> store, I initial, F aggregator,
                 Materialized<K, detail::aggregate_t<I>> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_aggregator<I, F, K, V>(), I, F>::value) {
      return folded(store.view(), std::move(initial), std::move(aggregator), std::move(options));
    } else {
      return detail::Failed();
    }
  }
  template <class I, class F>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>> store, I initial, F aggregator,
                 SourceLocation where = SourceLocation::current()) const {
    using A = detail::aggregate_t<I>;
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_aggregator<I, F, K, V>(),
                                                     detail::mistake_in_default_serdes<K, A>()),
                                    I, F>::value) {
      return folded(store.view(), std::move(initial), std::move(aggregator),
                    Materialized<K, A>{.where = where});
    } else {
      return detail::Failed();
    }
  }

  // The same three per key and time window.
  [[nodiscard]] TimeWindowedKStream<K, V> windowed_by(TimeWindows windows) const {
    return {*this, windows};
  }

 private:
  template <class F>
  KTable<K, V> reduced(std::string_view store, F reducer, Materialized<K, V> options) const {
    return aggregated<V>("reduce", store, detail::ReduceStep<F>{std::move(reducer)},
                         std::move(options));
  }

  template <class I, class F, class A>
  KTable<K, A> folded(std::string_view store, I initial, F aggregator,
                      Materialized<K, A> options) const {
    return aggregated<A>("aggregate", store,
                         detail::AggregateStep<I, F>{std::move(initial), std::move(aggregator)},
                         std::move(options));
  }

  template <class A, class Step>
  KTable<K, A> aggregated(std::string_view word, std::string_view store, Step step,
                          Materialized<K, A> options) const {
    graph()->add_store(detail::table_store_spec<K, A>(store, options));
    auto* node = new detail::AggregateNode<K, V, A, Step>(
        std::string(store), std::move(options.key_serde), std::move(step));
    const detail::NodeId id = graph()->add_processor({word, store, options.where}, {this->node()},
                                                     node, {std::string(store)});
    return {detail::Handle(graph(), id), store};
  }
};

}  // namespace millrace
