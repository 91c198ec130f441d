// What the callables of tables give, and the sentences that wrong ones meet while compiling (API
// §5).
#pragma once

#include <optional>
#include <type_traits>

#include "millrace/dsl/detail/checks.h"

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

// The value of a row that a mapper makes.
template <class F, class K, class V>
using mapped_row_t = typename RowOf<call_result_t<F, K, V>>::type;

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

// What stands where a store was named that is declared for something else.
template <class Kind, class T>
T refuse_store(T instead) {
  static_assert(!std::is_same_v<Kind, Kind>,
                "millrace: this store name is declared for another kind of store, or for other key "
                "or value types");
  return instead;
}

}  // namespace millrace::detail
