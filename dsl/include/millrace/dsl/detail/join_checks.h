// How joins call their joiner, and the sentences that a wrong join of a stream with a table meets
// while compiling.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "millrace/dsl/detail/checks.h"

namespace millrace::detail {

enum class JoinKind { kInner, kLeft };

// How a joiner takes the right side: always there, or nullptr where it is not.
template <JoinKind kKind, class V2>
using RightSide = std::conditional_t<kKind == JoinKind::kInner, const V2&, const V2*>;

template <class F, class V1, class Right>
concept JoinsValues = std::is_invocable_v<F&, const V1&, Right>;
template <class F, class K, class V1, class Right>
concept JoinsRecords = std::is_invocable_v<F&, const K&, const V1&, Right>;
template <class F, class K, class V1, class Right>
concept Joins = JoinsValues<F, V1, Right> || JoinsRecords<F, K, V1, Right>;

// REQUIRES: Joins<F, K, V1, Right>. The form without the key comes first.
template <class F, class K, class V1, class Right>
decltype(auto) call_joiner(F& joiner, const K& key, const V1& left, Right right) {
  if constexpr (JoinsValues<F, V1, Right>) {
    return std::invoke(joiner, left, std::forward<Right>(right));
  } else {
    return std::invoke(joiner, key, left, std::forward<Right>(right));
  }
}

template <class F, class K, class V1, class Right>
using joiner_result_t = std::remove_cvref_t<decltype(call_joiner<F, K, V1, Right>(
    std::declval<F&>(), std::declval<const K&>(), std::declval<const V1&>(),
    std::declval<Right>()))>;

// What the two sides must be, whatever the joiner.
template <class K, class V1, class K2>
constexpr bool check_joined_sides() {
  if constexpr (check_grouping<K, V1>()) {
    constexpr bool same = std::same_as<K, K2>;
    static_assert(same,
                  "millrace: both sides of a join need the same key type: select_key() and "
                  "repartition(), or a foreign-key or global-table join");
    return same;
  } else {
    return false;
  }
}

template <class F, class K, class V1, class V2>
constexpr bool check_inner_joiner() {
  using Right = const V2&;
  constexpr bool takes = Joins<F, K, V1, Right>;
  constexpr bool changes = !takes && (Joins<F, K, V1, V2&> || std::is_invocable_v<F&, V1&, Right> ||
                                      std::is_invocable_v<F&, const K&, V1&, Right> ||
                                      std::is_invocable_v<F&, V1&, V2&>);
  static_assert(!changes, "millrace: values are shared: take const V& and return the joined value");
  static_assert(changes || takes,
                "millrace: this joiner must take (const V1&, const V2&) or (const K&, const V1&, "
                "const V2&), with the key and the two values of the joined sides");
  return takes;
}

template <class F, class K, class V1, class V2>
constexpr bool check_left_joiner() {
  using Right = const V2*;
  constexpr bool takes = Joins<F, K, V1, Right>;
  constexpr bool by_reference = !takes && Joins<F, K, V1, const V2&>;
  static_assert(!by_reference,
                "millrace: the right side of a left join may be absent: take const V2*");
  static_assert(by_reference || takes,
                "millrace: this joiner must take (const V1&, const V2*) or (const K&, const V1&, "
                "const V2*), with the key and the two values of the joined sides");
  return takes;
}

// join() and left_join() of a stream of K, V1 with a table of K2, V2.
template <JoinKind kKind, class F, class K, class V1, class K2, class V2>
constexpr bool check_stream_table_join() {
  if constexpr (check_joined_sides<K, V1, K2>()) {
    constexpr bool copies = std::copy_constructible<F>;
    static_assert(copies,
                  "millrace: each task gets its own copy of this callable: capture a "
                  "std::shared_ptr instead of a std::unique_ptr");
    if constexpr (!copies) {
      return false;
    } else if constexpr (kKind == JoinKind::kInner) {
      if constexpr (check_inner_joiner<F, K, V1, V2>()) {
        return check_result<joiner_result_t<F, K, V1, const V2&>>();
      } else {
        return false;
      }
    } else if constexpr (check_left_joiner<F, K, V1, V2>()) {
      return check_result<joiner_result_t<F, K, V1, const V2*>>();
    } else {
      return false;
    }
  } else {
    return false;
  }
}

}  // namespace millrace::detail
