// What count(), reduce() and aggregate() do with one record, whatever the store: a step makes the
// next aggregate out of the one that is held; an empty one means "none" (SEMANTICS R-KT7, R-W4).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "millrace/dsl/detail/change.h"

namespace millrace::detail {

struct CountStep {
  template <class K, class V>
  void operator()(const K&, const V&, std::optional<std::int64_t>& held) {
    held = held.value_or(0) + 1;
  }
};

// The first value is stored as it is, without a call.
template <class F>
struct ReduceStep {
  F reducer;

  template <class K, class V>
  void operator()(const K&, const V& value, std::optional<V>& held) {
    if (held) {
      *held = std::invoke(reducer, std::move(*held), value);
    } else {
      held = value;
    }
    without_null(held);
  }
};

// I: A, or a callable that makes one.
template <class I, class F>
struct AggregateStep {
  I initial;
  F aggregator;

  template <class K, class V, class A>
  void operator()(const K& key, const V& value, std::optional<A>& held) {
    if (!held) held.emplace(initial_value<A>());
    if constexpr (std::is_invocable_v<F&, const V&, A>) {
      held = std::invoke(aggregator, value, std::move(*held));
    } else {
      held = std::invoke(aggregator, key, value, std::move(*held));
    }
    without_null(held);
  }

 private:
  template <class A>
  A initial_value() {
    if constexpr (std::is_invocable_v<I&>) {
      return std::invoke(initial);
    } else {
      return initial;
    }
  }
};

// The aggregate's type from what stands for its initial value.
template <class I>
struct InitialValue {
  using type = std::remove_cvref_t<I>;
};
template <class I>
requires std::is_invocable_v<I&>
struct InitialValue<I> {
  using type = std::remove_cvref_t<std::invoke_result_t<I&>>;
};

}  // namespace millrace::detail
