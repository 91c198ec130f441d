// How joins call their joiner, and what finds mistakes in a join, as checks.h.
#pragma once

#include <concepts>
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

// The joiner of a stream of K, V1 with a table of V2.
template <JoinKind kKind, class F, class K, class V1, class V2>
constexpr Mistake mistake_in_joiner() {
  using Right = RightSide<kKind, V2>;
  constexpr bool left = kKind == JoinKind::kLeft;
  if constexpr (!std::copy_constructible<F>) {
    return Mistake::kMoveOnly;
  } else if constexpr (Joins<F, K, V1, Right>) {
    using R = joiner_result_t<F, K, V1, Right>;
    return std::is_void_v<R> ? Mistake::kJoinerReturnsNothing : mistake_in_result<R>();
  } else if constexpr (left && Joins<F, K, V1, const V2&>) {
    return Mistake::kLeftJoinerTakesReference;
  } else if constexpr (std::is_invocable_v<F&, V1&, Right> ||
                       std::is_invocable_v<F&, const K&, V1&, Right> || Joins<F, K, V1, V2&> ||
                       std::is_invocable_v<F&, V1&, V2&>) {
    return Mistake::kJoinerChangesValue;
  } else {
    return left ? Mistake::kLeftJoinerOfOtherTypes : Mistake::kJoinerOfOtherTypes;
  }
}

// join() and left_join() of a stream of K, V1 with a table of K2, V2.
template <JoinKind kKind, class F, class K, class V1, class K2, class V2>
constexpr Mistake mistake_in_join() {
  constexpr Mistake sides = first_of(mistake_in_grouping<K, V1>(),
                                     std::same_as<K, K2> ? Mistake::kNone : Mistake::kJoinedKeys);
  return first_of(sides, mistake_in_joiner<kKind, F, K, V1, V2>());
}

}  // namespace millrace::detail
