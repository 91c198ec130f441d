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

template <class K>
constexpr Mistake mistake_in_table_key() {
  return lacks_key<K> ? Mistake::kTableWithoutKey : Mistake::kNone;
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
constexpr Mistake mistake_in_table_grouping() {
  return first_of(mistake_in_key_value_mapper<F, K, V>(),
                  mistake_in_grouping<group_key_t<F, K, V>, group_value_t<F, K, V>>());
}

template <class T>
inline constexpr bool is_typed_store_name = false;
template <class Kind, class K, class V>
inline constexpr bool is_typed_store_name<TypedStoreName<Kind, K, V>> = true;

// A store name that is declared for something else than a key-value store of K and V.
template <class T, class K, class V>
concept OtherStoreName = is_typed_store_name<T> && !std::same_as<T, KeyValueStoreName<K, V>>;

}  // namespace millrace::detail
