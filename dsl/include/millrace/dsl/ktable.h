// KTable<K,V>: the newest value of each key, as a place in the topology under construction.
//
//   const auto users = builder.table<std::string, User>("users");
//   users.filter([](const User& user) { return user.active; })
//       .group_by("by-country", [](const User& u) { return KeyValue{u.country, u.name}; })
//       .count("users-per-country");  // who moves leaves one country and enters another
//
// A record with a null value deletes its row. Callables take (const V&) or (const K&, const V&),
// are never called for a row that is not there, and may be called more than once for one that is:
// for its old value, and for a look-up. So they must answer the same for the same row. Copies,
// lifetimes and exceptions are as for streams (kstream.h).
//
// A table is kept in a store where you name one, and where something needs it: a join, group_by().
// All others are computed as they are asked for.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "millrace/dsl/detail/checks.h"
#include "millrace/dsl/detail/stream_handle.h"
#include "millrace/dsl/detail/table_checks.h"
#include "millrace/dsl/detail/table_filter_node.h"
#include "millrace/dsl/detail/table_group_by.h"
#include "millrace/dsl/detail/table_handle.h"
#include "millrace/dsl/detail/table_map_values_node.h"
#include "millrace/dsl/detail/table_store_spec.h"
#include "millrace/dsl/detail/to_stream_node.h"
#include "millrace/dsl/options.h"
#include "millrace/store_name.h"

namespace millrace {

template <class K, class V>
class KStream;
template <class K, class V>
class KGroupedTable;

// A value: copies mean the same place. Belongs to its StreamsBuilder: adding to it after build()
// throws TopologyError. Not thread-safe.
template <class K, class V>
class KTable : public detail::TableHandle {
  static_assert(!detail::is_optional<V>,
                "millrace: a row that is there has a value: KTable<K, V> instead of "
                "KTable<K, std::optional<V>>");

 public:
  using Key = K;
  using Value = V;
  using detail::TableHandle::TableHandle;
  explicit KTable(detail::TableHandle place) : detail::TableHandle(std::move(place)) {}

  // --- rows --------------------------------------------------------------------------------------

  // The rows for which the predicate (-> bool) is true; filter_not: false. A row that stops
  // fulfilling it is deleted from the result. Where neither this table's rows nor those above are
  // kept in a store, each record that does not fulfil it makes a deletion (SEMANTICS R-KT3).
  template <class F>
  [[nodiscard]] KTable filter(F predicate, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_predicate<F, K, V>(), F>::value) {
      return filtered("filter", true, std::move(predicate), named);
    } else {
      return *this;
    }
  }
  template <class F>
  [[nodiscard]] KTable filter_not(F predicate, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_predicate<F, K, V>(), F>::value) {
      return filtered("filter_not", false, std::move(predicate), named);
    } else {
      return *this;
    }
  }

  // The same, kept in a store of this name.
  template <class F>
  [[nodiscard]] KTable filter(KeyValueStoreName<K, V> store, F predicate,
                              Materialized<K, V> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_predicate<F, K, V>(), F>::value) {
      return filtered_into(store, "filter", true, std::move(predicate), options);
    } else {
      return *this;
    }
  }
  template <class F>
  [[nodiscard]] KTable filter_not(KeyValueStoreName<K, V> store, F predicate,
                                  Materialized<K, V> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_predicate<F, K, V>(), F>::value) {
      return filtered_into(store, "filter_not", false, std::move(predicate), options);
    } else {
      return *this;
    }
  }
  template <class F>
  [[nodiscard]] KTable filter(KeyValueStoreName<K, V> store, F predicate,
                              SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<kept_mistake<V>(detail::mistake_in_predicate<F, K, V>()),
                                    F>::value) {
      return filtered_into(store, "filter", true, std::move(predicate), {.where = where});
    } else {
      return *this;
    }
  }
  template <class F>
  [[nodiscard]] KTable filter_not(KeyValueStoreName<K, V> store, F predicate,
                                  SourceLocation where = SourceLocation::current()) const {
    if constexpr (detail::NoMistake<kept_mistake<V>(detail::mistake_in_predicate<F, K, V>()),
                                    F>::value) {
      return filtered_into(store, "filter_not", false, std::move(predicate), {.where = where});
    } else {
      return *this;
    }
  }

  // Each value becomes what the callable returns; std::nullopt deletes the row (a callable that
  // returns std::optional<R> makes a table of R). Every change is passed on, also one that leaves
  // the result as it was (SEMANTICS R-KT4).
  template <class F>
  [[nodiscard]] auto map_values(F mapper, Named named = {}) const {
    if constexpr (detail::NoMistake<detail::mistake_in_mapper<F, K, V>(), F>::value) {
      using R = detail::mapped_row_t<F, K, V>;
      using Node = detail::TableMapValuesNode<K, V, R, F>;
      return KTable<K, R>(
          detail::add_below(*this, "map_values", named, new Node(std::move(mapper), {})), store());
    } else {
      return detail::Failed();
    }
  }

  // The same, kept in a store of this name.
  template <class F>
  [[nodiscard]] auto map_values(KeyValueStoreName<K, detail::mapped_row_t<F, K, V>> store, F mapper,
                                Materialized<K, detail::mapped_row_t<F, K, V>> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_mapper<F, K, V>(), F>::value) {
      return mapped_into(store, std::move(mapper), options);
    } else {
      return detail::Failed();
    }
  }
  template <class F>
  [[nodiscard]] auto map_values(KeyValueStoreName<K, detail::mapped_row_t<F, K, V>> store, F mapper,
                                SourceLocation where = SourceLocation::current()) const {
    using R = detail::mapped_row_t<F, K, V>;
    if constexpr (detail::NoMistake<kept_mistake<R>(detail::mistake_in_mapper<F, K, V>()),
                                    F>::value) {
      return mapped_into(store, std::move(mapper), Materialized<K, R>{.where = where});
    } else {
      return detail::Failed();
    }
  }

  // --- out
  // -----------------------------------------------------------------------------------------

  // The changes of the table, in the order in which they happen: the new value of a row, or
  // std::nullopt where it was deleted. Copies nothing; needs no store.
  [[nodiscard]] KStream<K, std::optional<V>> to_stream(Named named = {}) const {
    return {detail::add_below(*this, "to_stream", named, new detail::ToStreamNode<K, V>()),
            detail::Keys::kInPlace};
  }

  // Groups rows anew: each row belongs to the group of the key, and with the value, that the
  // callable returns as KeyValue{key, value}. What leaves a group and what enters one goes through
  // an internal topic, "<application.id>-<name>-repartition". The rows of this table are kept from
  // now on. REQUIRES: the callable answers for an old value as it did when that was new; a
  // partitioner in the options looks at the key alone.
  template <class F>
  [[nodiscard]] auto group_by(
      Name name, F mapper,
      Grouped<detail::group_key_t<F, K, V>, detail::group_value_t<F, K, V>> options) const {
    if constexpr (detail::NoMistake<detail::mistake_in_table_grouping<F, K, V>(), F>::value) {
      return grouped(name, std::move(mapper), std::move(options));
    } else {
      return detail::Failed();
    }
  }
  template <class F>
  [[nodiscard]] auto group_by(Name name, F mapper,
                              SourceLocation where = SourceLocation::current()) const {
    using K2 = detail::group_key_t<F, K, V>;
    using V2 = detail::group_value_t<F, K, V>;
    if constexpr (detail::NoMistake<detail::first_of(detail::mistake_in_table_grouping<F, K, V>(),
                                                     detail::mistake_in_default_serdes<K2, V2>()),
                                    F>::value) {
      return grouped(name, std::move(mapper), Grouped<K2, V2>{.where = where});
    } else {
      return detail::Failed();
    }
  }

  // --- mistakes ----------------------------------------------------------------------------------

  template <detail::OtherStoreName<K, V> Store, class F>
  KTable filter(Store, F) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kOtherStore, Store>::value);
    return *this;
  }
  template <detail::OtherStoreName<K, V> Store, class F>
  KTable filter_not(Store, F) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kOtherStore, Store>::value);
    return *this;
  }
  template <class F, detail::OtherStoreName<K, detail::mapped_row_t<F, K, V>> Store>
  auto map_values(Store, F) const {
    static_cast<void>(detail::NoMistake<detail::Mistake::kOtherStore, Store>::value);
    return detail::Failed();
  }

 private:
  // Of an operator with a store whose serdes are not named.
  template <class R>
  static constexpr detail::Mistake kept_mistake(detail::Mistake in_callable) {
    return detail::first_of(in_callable, detail::mistake_in_default_serdes<K, R>());
  }

  template <class F>
  KTable filtered(std::string_view word, bool wanted, F predicate, const Named& named) const {
    using Node = detail::TableFilterNode<K, V, F>;
    return KTable(detail::add_below(*this, word, named, new Node(std::move(predicate), wanted, {})),
                  store());
  }

  template <class F>
  KTable filtered_into(KeyValueStoreName<K, V> store, std::string_view word, bool wanted,
                       F predicate, const Materialized<K, V>& options) const {
    using Node = detail::TableFilterNode<K, V, F>;
    detail::TableStore<K, V> rows(store.view(), options.key_serde);
    return KTable(detail::add_kept(*this, word, detail::table_store_spec(store.view(), options),
                                   new Node(std::move(predicate), wanted, std::move(rows))));
  }

  template <class F, class R>
  KTable<K, R> mapped_into(KeyValueStoreName<K, R> store, F mapper,
                           const Materialized<K, R>& options) const {
    using Node = detail::TableMapValuesNode<K, V, R, F>;
    detail::TableStore<K, R> rows(store.view(), options.key_serde);
    return KTable<K, R>(detail::add_kept(*this, "map_values",
                                         detail::table_store_spec(store.view(), options),
                                         new Node(std::move(mapper), std::move(rows))));
  }

  template <class F, class K2, class V2>
  KGroupedTable<K2, V2> grouped(Name name, F mapper, Grouped<K2, V2> options) const {
    return KGroupedTable<K2, V2>(detail::add_table_group_by<K, V>(
        *this, name.view(), std::move(mapper), std::move(options)));
  }
};

}  // namespace millrace
