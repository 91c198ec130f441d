// What the callables of tables give, and the sentences that wrong ones meet while compiling (API
// §5).
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

#include "millrace/dsl/detail/checks.h"
#include "millrace/dsl/options.h"
#include "millrace/store_name.h"

namespace millrace::detail {

template <class R>
struct RowOf {
  using type = R;
};
template <class R>
struct RowOf<std::optional<R>> {
  using type = R;
};
template <>
struct RowOf<void> {
  using type = Failed;  // a callable that is refused
};

// The value of a row, from values that may be missing.
template <class R>
using row_t = typename RowOf<R>::type;

// What table() takes beside a Topic<K, V>, which alone names the types.
template <class K, class V>
using TableConsumed = std::type_identity_t<Consumed<K, std::optional<row_t<V>>>>;
template <class K, class V>
using TableStoreName = std::type_identity_t<KeyValueStoreName<K, row_t<V>>>;

// The value of a row that a mapper makes.
template <class F, class K, class V>
using mapped_row_t = row_t<call_result_t<F, K, V>>;

// table()
template <class K>
constexpr bool check_table_key() {
  static_assert(!lacks_key<K>,
                "millrace: a table has one row per key: give its topic a key type other than NoKey "
                "and std::optional");
  return !lacks_key<K>;
}
template <class K, class V>
constexpr bool check_table_types() {
  if constexpr (check_table_key<K>()) {
    return check_default_serdes<K, V>();
  } else {
    return false;
  }
}

template <class R>
struct GroupOf {
  using Key = Failed;
  using Value = Failed;
};
template <class K, class V>
struct GroupOf<KeyValue<K, V>> {
  using Key = K;
  using Value = V;
};

template <class F, class K, class V>
using group_key_t = typename GroupOf<call_result_t<F, K, V>>::Key;
template <class F, class K, class V>
using group_value_t = typename GroupOf<call_result_t<F, K, V>>::Value;

// group_by() of a table.
template <class F, class K, class V>
constexpr bool check_table_grouping() {
  if constexpr (check_key_value_mapper<F, K, V>()) {
    return check_grouping<group_key_t<F, K, V>, group_value_t<F, K, V>>();
  } else {
    return false;
  }
}

// A store name that is declared for something else than a key-value store of K and V.
template <class Kind, class K2, class V2, class K, class V>
concept OtherStore = !std::same_as<TypedStoreName<Kind, K2, V2>, KeyValueStoreName<K, V>>;

// What the operator gives then.
template <class Kind, class T>
T refuse_store(T instead) {
  static_assert(!std::is_same_v<Kind, Kind>,
                "millrace: this store name is declared for another kind of store, or for other key "
                "or value types");
  return instead;
}

// Of a grouped table's reduce() and aggregate() with one function.
template <class F>
void refuse_without_subtractor() {
  static_assert(!std::is_same_v<F, F>,
                "millrace: rows leave groups, too: after the function that adds a value comes the "
                "one that subtracts it");
}

}  // namespace millrace::detail
