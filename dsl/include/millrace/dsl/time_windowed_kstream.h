// TimeWindowedKStream<K,V>: a grouped stream cut into windows of time, ready to be aggregated per
// key and window.
//
//   visits.group_by_key()
//       .windowed_by(TimeWindows{.size = 1min, .grace = 10s})
//       .count("visits-per-minute", {.retention = 24h})
//       .to_stream()
//       .to(Topic<Windowed<std::string>, std::optional<std::int64_t>>(
//           "visits-per-minute", {.key = time_windowed_serde<std::string>(1min)}));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "millrace/dsl/detail/aggregate_checks.h"
#include "millrace/dsl/detail/handle.h"
#include "millrace/dsl/detail/window_aggregate_node.h"
#include "millrace/dsl/detail/window_store_spec.h"
#include "millrace/dsl/ktable.h"
#include "millrace/dsl/options.h"
#include "millrace/dsl/windows.h"
#include "millrace/store_name.h"
#include "millrace/windowed.h"

namespace millrace {

// As KGroupedStream, per key and window; every update of every window is passed on, by ascending
// start. A record that is late for a window (windows.h) is dropped for it and counted. Null values,
// where the type has them, are aggregated (SEMANTICS R-N, §6 Q7).
//
// A store is a window store of this name. Its changelog is compacted; what nobody can read any more
// is purged from it, by stream time.
template <class K, class V>
class TimeWindowedKStream : public detail::Handle {
 public:
  using Key = K;
  using Value = V;
  TimeWindowedKStream(detail::Handle place, TimeWindows windows)
      : detail::Handle(std::move(place)), windows_(windows) {}

  KTable<Windowed<K>, std::int64_t> count(WindowStoreName<K, std::int64_t> store,
                                          MaterializedWindows<K, std::int64_t> options) const {
    return aggregated<std::int64_t>("count", store.view(), detail::CountStep{}, std::move(options));
  }
  KTable<Windowed<K>, std::int64_t> count(WindowStoreName<K, std::int64_t> store,
                                          SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<detail::mistake_in_default_serdes<K, std::int64_t>(),
                                    K>::value) {
      return count(store, MaterializedWindows<K, std::int64_t>{.where = where});
    } else {
      return {*this, store.view()};
    }
  }

  // See KGroupedStream::reduce().
  template <class F>
  KTable<Windowed<K>, V> reduce(WindowStoreName<K, V> store, F reducer,
                                MaterializedWindows<K, V> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_reducer<F, V>(), F>::value) {
      return reduced(store.view(), std::move(reducer), std::move(options));
    } else {
      return {*this, store.view()};
    }
  }
  template <class F>
  KTable<Windowed<K>, V> reduce(WindowStoreName<K, V> store, F reducer,
                                SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_reducer<F, V>(),
                                                     detail::mistake_in_default_serdes<K, V>()),
                                    F>::value) {
      return reduced(store.view(), std::move(reducer), {.where = where});
    } else {
      return {*this, store.view()};
    }
  }

  // See KGroupedStream::aggregate().
  template <class I, class F>
  auto aggregate(WindowStoreName<K, detail::aggregate_t<I>> store, I initial, F aggregator,
                 MaterializedWindows<K, detail::aggregate_t<I>> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_aggregator<I, F, K, V>(), I, F>::value) {
      return folded(store.view(), std::move(initial), std::move(aggregator), std::move(options));
    } else {
      return detail::Failed();
    }
  }
  template <class I, class F>
  auto aggregate(WindowStoreName<K, detail::aggregate_t<I>> store, I initial, F aggregator,
                 SourceLocation where = SourceLocation::current()) const {
    using A = detail::aggregate_t<I>;
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_aggregator<I, F, K, V>(),
                                                     detail::mistake_in_default_serdes<K, A>()),
                                    I, F>::value) {
      return folded(store.view(), std::move(initial), std::move(aggregator),
                    MaterializedWindows<K, A>{.where = where});
    } else {
      return detail::Failed();
    }
  }

 private:
  template <class F>
  KTable<Windowed<K>, V> reduced(std::string_view store, F reducer,
                                 MaterializedWindows<K, V> options) const {
    return aggregated<V>("reduce", store, detail::ReduceStep<F>{std::move(reducer)},
                         std::move(options));
  }

  template <class I, class F, class A>
  KTable<Windowed<K>, A> folded(std::string_view store, I initial, F aggregator,
                                MaterializedWindows<K, A> options) const {
    return aggregated<A>("aggregate", store,
                         detail::AggregateStep<I, F>{std::move(initial), std::move(aggregator)},
                         std::move(options));
  }

  template <class A, class Step>
  KTable<Windowed<K>, A> aggregated(std::string_view word, std::string_view store, Step step,
                                    MaterializedWindows<K, A> options) const {
    const Duration retention = options.retention.value_or(detail::default_retention(windows_));
    detail::report_mistakes(*this, windows_, retention);
    graph()->add_store(detail::window_store_spec<K, A>(store, windows_.size, retention, options));
    auto* node = new detail::WindowAggregateNode<K, V, A, Step>(
        std::string(store), std::move(options.key_serde), detail::WindowGrid::of(windows_),
        std::move(step));
    const detail::NodeId id = graph()->add_processor({word, store, options.where}, {this->node()},
                                                     node, {std::string(store)});
    return {detail::Handle(graph(), id), store};
  }

  TimeWindows windows_;
};

}  // namespace millrace
