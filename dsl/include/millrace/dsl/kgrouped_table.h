// KGroupedTable<K,V>: the rows of a table in groups, ready to be aggregated per group.
//
//   users.group_by("users-by-country",
//                  [](const std::string& id, const User& user) { return KeyValue{user.country, id};
//                  })
//       .count("users-per-country");
//
// A table's rows change, so what leaves a group is taken out of its aggregate again: after the
// function that adds a value comes the one that subtracts it.
#pragma once

#include <concepts>
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
                                Materialized<K, std::int64_t> options = {}) const {
    return aggregated<std::int64_t>("count", store.view(), detail::CountStep{},
                                    detail::UncountStep{}, options);
  }

  // Combines the values of each group: add and subtract take (V aggregate, const V& value) and
  // return V. The first value of a group is its first aggregate, without a call.
  template <class Add, class Subtract>
  KTable<K, V> reduce(KeyValueStoreName<K, V> store, Add add, Subtract subtract,
                      Materialized<K, V> options = {}) const {
    if constexpr (!detail::check_reducer<Add, V>()) {
      return {*this, store.view()};
    } else if constexpr (!detail::check_reducer<Subtract, V>()) {
      return {*this, store.view()};
    } else {
      return aggregated<V>("reduce", store.view(), detail::ReduceStep<Add>{std::move(add)},
                           detail::ReduceStep<Subtract>{std::move(subtract)}, options);
    }
  }

  // Folds the values of each group into an aggregate of another type. `initial` is the aggregate
  // before the first value, or a callable that makes it. Add and subtract take (const V&, A) or
  // (const K&, const V&, A), the old aggregate by value, and return the new one; or a
  // std::optional<A>, where std::nullopt deletes it: the next value begins with `initial` again.
  // Nothing is subtracted from an aggregate that is not there.
  template <class I, class Add, class Subtract>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>> store, I initial, Add add,
                 Subtract subtract, Materialized<K, detail::aggregate_t<I>> options = {}) const {
    if constexpr (!detail::check_aggregator<I, Add, K, V>()) {
      return detail::Failed();
    } else if constexpr (!detail::check_aggregator<I, Subtract, K, V>()) {
      return detail::Failed();
    } else {
      return aggregated<detail::aggregate_t<I>>(
          "aggregate", store.view(), detail::AggregateStep<I, Add>{initial, std::move(add)},
          detail::AggregateStep<I, Subtract>{initial, std::move(subtract)}, options);
    }
  }

  // --- mistakes ----------------------------------------------------------------------------------

  template <class F>
  KTable<K, V> reduce(KeyValueStoreName<K, V> store, F, Materialized<K, V> = {}) const {
    detail::refuse_without_subtractor<F>();
    return {*this, store.view()};
  }
  template <class I, class F>
  auto aggregate(KeyValueStoreName<K, detail::aggregate_t<I>>, I, F,
                 Materialized<K, detail::aggregate_t<I>> = {}) const {
    detail::refuse_without_subtractor<F>();
    return detail::Failed();
  }

  template <class Kind, class K2, class V2>
  requires detail::OtherStore<Kind, K2, V2, K, std::int64_t>
  auto count(detail::TypedStoreName<Kind, K2, V2>) const {
    return detail::refuse_store<Kind>(detail::Failed());
  }
  template <class Kind, class K2, class V2, class Add, class Subtract>
  requires detail::OtherStore<Kind, K2, V2, K, V>
  auto reduce(detail::TypedStoreName<Kind, K2, V2>, Add, Subtract) const {
    return detail::refuse_store<Kind>(detail::Failed());
  }
  template <class Kind, class K2, class V2, class I, class Add, class Subtract>
  requires detail::OtherStore<Kind, K2, V2, K, detail::aggregate_t<I>>
  auto aggregate(detail::TypedStoreName<Kind, K2, V2>, I, Add, Subtract) const {
    return detail::refuse_store<Kind>(detail::Failed());
  }

 private:
  template <class A, class Add, class Subtract>
  KTable<K, A> aggregated(std::string_view word, std::string_view store, Add add, Subtract subtract,
                          const Materialized<K, A>& options) const {
    return KTable<K, A>(
        detail::add_kept(*this, word, detail::table_store_spec(store, options),
                         new detail::TableAggregateNode<K, V, A, Add, Subtract>(
                             store, options.key_serde, std::move(add), std::move(subtract))));
  }
};

}  // namespace millrace
