// The sentences that a wrong reducer, aggregator or initial value meets while compiling (API §5).
// As checks.h: each function asserts and answers whether all is well.
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

template <class F>
constexpr bool check_copies() {
  static_assert(std::copy_constructible<F>,
                "millrace: each task gets its own copy of this callable: capture a std::shared_ptr "
                "instead of a std::unique_ptr");
  return std::copy_constructible<F>;
}

template <class F, class V>
constexpr bool check_reducer() {
  if constexpr (!check_copies<F>()) {
    return false;
  } else {
    constexpr bool fits = std::is_invocable_r_v<V, F&, V, const V&>;
    static_assert(fits,
                  "millrace: a reducer must take (V aggregate, const V& value) and return V; for "
                  "another type use aggregate()");
    return fits;
  }
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

template <class F, class K, class V, class A>
constexpr bool check_aggregator_result() {
  using Given = std::remove_cvref_t<typename AggregatorResult<F, K, V, A>::type>;
  constexpr bool returns = !std::is_void_v<Given>;
  constexpr bool fits = std::same_as<Given, A> || std::same_as<Given, std::optional<A>> ||
                        std::same_as<Given, std::nullopt_t>;
  static_assert(returns, "millrace: the result is the new aggregate: return it");
  static_assert(
      !returns || fits,
      "millrace: an aggregator must return the type of the initial value, or std::optional "
      "of it where std::nullopt deletes");
  return returns && fits;
}

// I: the initial value, or a callable that makes one.
template <class I, class F, class K, class V>
constexpr bool check_aggregator() {
  using A = typename InitialValue<I>::type;
  constexpr bool owns = !std::is_void_v<A> && owns_its_data<A>;
  static_assert(
      owns,
      "millrace: keys and values must own their data: begin with a std::string instead of "
      "a view or a pointer");
  if constexpr (!owns || !check_copies<F>()) {
    return false;
  } else if constexpr (Aggregates<F, K, V, A>) {
    return check_aggregator_result<F, K, V, A>();
  } else {
    constexpr bool swapped =
        std::is_invocable_v<F&, A, const V&> || std::is_invocable_v<F&, A&, const V&>;
    constexpr bool by_reference = !swapped && Aggregates<F, K, V, A&>;
    static_assert(
        !swapped,
        "millrace: an aggregator takes (const V& value, A aggregate): the value comes first");
    static_assert(
        !by_reference,
        "millrace: take the aggregate by value and return it: (const V& value, A aggregate)");
    static_assert(swapped || by_reference,
                  "millrace: an aggregator must take (const V& value, A aggregate) or (const K&, "
                  "const V&, A), with A the type of the initial value");
    return false;
  }
}

}  // namespace millrace::detail
