// Finds what is wrong with a reducer, an aggregator or an initial value, as checks.h.
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

#include "millrace/dsl/detail/aggregate_steps.h"
#include "millrace/dsl/detail/checks.h"

namespace millrace::detail {

// The type of the aggregates that begin with this initial value; Failed where it cannot be one.
template <class I, class A = typename InitialValue<I>::type>
struct AggregateOf {
  using type = Failed;
};
template <class I, class A>
requires(!std::is_void_v<A> && owns_its_data<A>) struct AggregateOf<I, A> {
  using type = A;
};
template <class I>
using aggregate_t = typename AggregateOf<I>::type;

template <class F, class V>
constexpr Mistake mistake_in_reducer() {
  if (!std::copy_constructible<F>) return Mistake::kMoveOnly;
  return std::is_invocable_r_v<V, F&, V, const V&> ? Mistake::kNone : Mistake::kReducer;
}

template <class F, class K, class V, class A>
concept Aggregates =
    std::is_invocable_v<F&, const V&, A> || std::is_invocable_v<F&, const K&, const V&, A>;

template <class F, class K, class V, class A>
struct AggregatorResult {
  using type = std::invoke_result_t<F&, const K&, const V&, A>;
};
template <class F, class K, class V, class A>
requires std::is_invocable_v<F&, const V&, A>
struct AggregatorResult<F, K, V, A> {
  using type = std::invoke_result_t<F&, const V&, A>;
};

// I: the initial value, or a callable that makes one.
template <class I, class F, class K, class V>
constexpr Mistake mistake_in_aggregator() {
  using A = aggregate_t<I>;
  if constexpr (std::same_as<A, Failed>) {
    return Mistake::kInitialView;
  } else if constexpr (!std::copy_constructible<F> || !std::copy_constructible<I>) {
    return Mistake::kMoveOnly;
  } else if constexpr (Aggregates<F, K, V, A>) {
    using Given = std::remove_cvref_t<typename AggregatorResult<F, K, V, A>::type>;
    if (std::is_void_v<Given>) return Mistake::kAggregatorReturnsNothing;
    const bool fits = std::same_as<Given, A> || std::same_as<Given, std::optional<A>> ||
                      std::same_as<Given, std::nullopt_t>;
    return fits ? Mistake::kNone : Mistake::kAggregatorReturnsOtherType;
  } else if constexpr (std::is_invocable_v<F&, A, const V&> ||
                       std::is_invocable_v<F&, A&, const V&>) {
    return Mistake::kAggregatorSwapped;
  } else {
    return Aggregates<F, K, V, A&> ? Mistake::kAggregatorTakesReference
                                   : Mistake::kAggregatorOfOtherTypes;
  }
}

}  // namespace millrace::detail
