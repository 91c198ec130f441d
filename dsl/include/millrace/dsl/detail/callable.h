// How the DSL calls its users: a callable takes (const V&) or (const K&, const V&), value form first,
// and is anything std::invoke takes (API §1.6, §4). Wrong ones end in one sentence.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace millrace::detail {

template <class F, class V>
concept TakesValue = std::is_invocable_v<F&, const V&>;
template <class F, class K, class V>
concept TakesKeyValue = std::is_invocable_v<F&, const K&, const V&>;
template <class F, class K, class V>
concept TakesRecord = TakesValue<F, V> || TakesKeyValue<F, K, V>;

// REQUIRES: TakesRecord<F, K, V>.
template <class F, class K, class V>
decltype(auto) call(F& f, const K& key, const V& value) {
  if constexpr (TakesValue<F, V>) {
    return std::invoke(f, value);
  } else {
    return std::invoke(f, key, value);
  }
}

template <class F, class K, class V>
struct CallResult {
  using type = void;
};
template <class F, class K, class V>
requires TakesRecord<F, K, V>
struct CallResult<F, K, V> {
  using type =
      decltype(call(std::declval<F&>(), std::declval<const K&>(), std::declval<const V&>()));
};
// What call() returns, without reference and const.
template <class F, class K, class V>
using call_result_t = std::remove_cvref_t<typename CallResult<F, K, V>::type>;

}  // namespace millrace::detail
