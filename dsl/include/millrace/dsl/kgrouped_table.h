// KGroupedTable<K,V>: the rows of a table in groups, ready to be aggregated per group.
//
//   users.group_by("by-country", [](const User& u) { return KeyValue{u.country, u.name}; })
//       .count("users-per-country");
//
// A table's rows change, so what leaves a group is taken out of its aggregate again: after the
// function that adds a value comes the one that subtracts it.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "millrace/dsl/detail/aggregate_checks.h"
#include "millrace/dsl/detail/aggregate_steps.h"
#include "millrace/dsl/detail/table_aggregate_node.h"
#include "millrace/dsl/detail/table_checks.h"
#include "millrace/dsl/detail/table_handle.h"
#include "millrace/dsl/detail/table_store_spec.h"
#include "millrace/dsl/ktable.h"
#include "millrace/dsl/options.h"
#include "millrace/store_name.h"

namespace millrace {

// The result of each aggregation is a table, kept in a store of this name. Of a row that changes
// within its group the old value is subtracted first, then the new one is added, and the result is
// passed on once; a row that moves changes two groups, one after the other. The time of a result is
// the later of the record's and the aggregate's (SEMANTICS R-KT6).
// Errors, from build(): a name that is taken.
template <class K, class V>
class KGroupedTable : public detail::Handle {
 public:
  using Key = K;
  using Value = V;
  using detail::Handle::Handle;
  explicit KGroupedTable(detail::Handle place) : detail::Handle(std::move(place)) {}

  // How many rows each group has. A group that lost all its rows stays, with 0.
  KTable<K, std::int64_t> count(KeyValueStoreName<K, std::int64_t> store,
                                Materialized<K, std::int64_t> options) const {
    return aggregated<std::int64_t>("count", store.view(), detail::CountStep{},
                                    detail::UncountStep{}, options);
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

  // Combines the values of each group: add and subtract take (V aggregate, const V& value) and
  // return V. The first value of a group is its first aggregate, without a call.
  template <class Add, class Subtract>
  KTable<K, V> reduce(KeyValueStoreName<K, V> store, Add add, Subtract subtract,
                      Materialized<K, V> options) const {
    if constexpr (detail::NoMistake<reducers_mistake<Add, Subtract>(), Add, Subtract>::value) {
      return reduced(store.view(), std::move(add), std::move(subtract), options);
    } else {
      return {*this, store.view()};
    }
  }
  template <class Add, class Subtract>
  KTable<K, V> reduce(KeyValueStoreName<K, V> store, Add add, Subtract subtract,
                      SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<detail::first_of(reducers_mistake<Add, Subtract>(),
                                                     detail::mistake_in_default_serdes<K, V>()),
                                    Add, Subtract>::value) {
      return reduced(store.view(), std::move(add), std::move(subtract), {.where = where});
    } else {
      return {*this, store.view()};
    }
  }

  // Folds the values of each group into an aggregate of another type. `initial` is the aggregate
  // before the first value, or a callable that makes it. Add and subtract take (const V&, A) or
  // (const K&, const V&, A), the old aggregate by value, and return the new one; or a
  // std::optional<A>, where std::nullopt deletes it: the next value begins with `initial` again.
  // Nothing is subtracted from an aggregate that is not there.
  template <class I, class Add, class Subtract>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>> store, I initial, Add add,
                 Subtract subtract, Materialized<K, detail::aggregate_t<I>> options) const {
    if constexpr (detail::NoMistake<aggregators_mistake<I, Add, Subtract>(), I, Add,
                                    Subtract>::value) {
      return folded(store.view(), initial, std::move(add), std::move(subtract), options);
    } else {
      return detail::Failed();
    }
  }
  template <class I, class Add, class Subtract>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>> store, I initial, Add add,
                 Subtract subtract, SourceLocation where = SourceLocation::current()) const {
    using A = detail::aggregate_t<I>;
    if constexpr (detail::NoMistake<detail::first_of(aggregators_mistake<I, Add, Subtract>(),
                                                     detail::mistake_in_default_serdes<K, A>()),
                                    I, Add, Subtract>::value) {
      return folded(store.view(), initial, std::move(add), std::move(subtract),
                    Materialized<K, A>{.where = where});
    } else {
      return detail::Failed();
    }
  }

  // --- mistakes ----------------------------------------------------------------------------------

  template <class F>
  auto reduce(KeyValueStoreName<K, V>, F) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kNoSubtractor, F>::value);
    return detail::Failed();
  }
  template <class F>
  auto reduce(KeyValueStoreName<K, V>, F, Materialized<K, V>) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kNoSubtractor, F>::value);
    return detail::Failed();
  }
  template <class I, class F>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>>, I, F) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kNoSubtractor, F>::value);
    return detail::Failed();
  }
  template <class I, class F>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>>, I, F,
                 Materialized<K, detail::aggregate_t<I>>) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kNoSubtractor, F>::value);
    return detail::Failed();
  }

  template <detail::OtherStoreName<K, std::int64_t> Store>
  auto count(Store) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kOtherStore, Store>::value);
    return detail::Failed();
  }
  template <detail::OtherStoreName<K, V> Store, class Add, class Subtract>
  auto reduce(Store, Add, Subtract) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kOtherStore, Store>::value);
    return detail::Failed();
  }
  template <class I, detail::OtherStoreName<K, detail::aggregate_t<I>> Store, class Add,
            class Subtract>
  auto aggregate(Store, I, Add, Subtract) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kOtherStore, Store>::value);
    return detail::Failed();
  }

 private:
  template <class Add, class Subtract>
  static constexpr detail::Mistake reducers_mistake() {
    return detail::first_of(detail::mistake_in_reducer<Add, V>(),
                            detail::mistake_in_reducer<Subtract, V>());
  }
  template <class I, class Add, class Subtract>
  static constexpr detail::Mistake aggregators_mistake() {
    return detail::first_of(detail::mistake_in_aggregator<I, Add, K, V>(),
                            detail::mistake_in_aggregator<I, Subtract, K, V>());
  }

  template <class Add, class Subtract>
  KTable<K, V> reduced(std::string_view store, Add add, Subtract subtract,
                       const Materialized<K, V>& options) const {
    return aggregated<V>("reduce", store, detail::ReduceStep<Add>{std::move(add)},
                         detail::ReduceStep<Subtract>{std::move(subtract)}, options);
  }

  template <class I, class Add, class Subtract, class A>
  KTable<K, A> folded(std::string_view store, const I& initial, Add add, Subtract subtract,
                      const Materialized<K, A>& options) const {
    return aggregated<A>("aggregate", store, detail::AggregateStep<I, Add>{initial, std::move(add)},
                         detail::AggregateStep<I, Subtract>{initial, std::move(subtract)}, options);
  }

  template <class A, class Add, class Subtract>
  KTable<K, A> aggregated(std::string_view word, std::string_view store, Add add, Subtract subtract,
                          const Materialized<K, A>& options) const {
    using Node = detail::TableAggregateNode<K, V, A, Add, Subtract>;
    return KTable<K, A>(
        detail::add_kept(*this, word, detail::table_store_spec(store, options),
                         new Node(store, options.key_serde, std::move(add), std::move(subtract))));
  }
};

}  // namespace millrace
