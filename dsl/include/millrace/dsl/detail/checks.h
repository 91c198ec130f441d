// The sentences that a wrong program meets while compiling (API §5). Each function holds the
// static_asserts of one kind of callable and returns whether all is well, so that its caller can
// guard what would otherwise fail after them:
//
//   if constexpr (detail::check_mapper<F, K, V>()) { ... } else { return detail::Failed{}; }
#pragma once

#include <array>
#include <concepts>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

#include "millrace/dsl/detail/callable.h"
#include "millrace/record.h"
#include "millrace/serde.h"
#include "millrace/topic.h"
#include "millrace/windowed.h"

namespace millrace::detail {

// What an operator returns whose callable was refused: takes every further call, so that nothing
// follows the sentence.
struct Failed {
  friend bool operator==(Failed, Failed) = default;

#define MILLRACE_FAILED(method)    \
  template <class... Args>         \
  Failed method(Args&&...) const { \
    return {};                     \
  }
  MILLRACE_FAILED(aggregate)
  MILLRACE_FAILED(count)
  MILLRACE_FAILED(drop_tombstones)
  MILLRACE_FAILED(filter)
  MILLRACE_FAILED(filter_not)
  MILLRACE_FAILED(flat_map)
  MILLRACE_FAILED(flat_map_values)
  MILLRACE_FAILED(for_each)
  MILLRACE_FAILED(group_by)
  MILLRACE_FAILED(group_by_key)
  MILLRACE_FAILED(join)
  MILLRACE_FAILED(left_join)
  MILLRACE_FAILED(map)
  MILLRACE_FAILED(map_values)
  MILLRACE_FAILED(merge)
  MILLRACE_FAILED(peek)
  MILLRACE_FAILED(reduce)
  MILLRACE_FAILED(repartition)
  MILLRACE_FAILED(select_key)
  MILLRACE_FAILED(split)
  MILLRACE_FAILED(to)
  MILLRACE_FAILED(to_stream)
  MILLRACE_FAILED(to_table)
  MILLRACE_FAILED(windowed_by)
#undef MILLRACE_FAILED
};

// --- types ------------------------------------------------------------------------------------

template <class T>
inline constexpr bool is_key_value = false;
template <class K, class V>
inline constexpr bool is_key_value<KeyValue<K, V>> = true;

template <class T>
inline constexpr bool is_time_windowed = false;
template <class K>
inline constexpr bool is_time_windowed<Windowed<K>> = true;

// A type that is always or sometimes without a key, and says so.
template <class K>
inline constexpr bool lacks_key = std::same_as<K, NoKey> || is_optional<K>;

// What begin() of a range points to; void where R is no range. (<ranges> costs 0.3 s a file.)
template <class R>
struct RangeElement {
  using type = void;
};
template <class R>
requires requires(R& range) {
  *std::begin(range);
  std::begin(range) != std::end(range);
}
struct RangeElement<R> {
  using type = std::iter_value_t<decltype(std::begin(std::declval<R&>()))>;
};
template <class R>
using range_element_t = typename RangeElement<R>::type;

// --- callables --------------------------------------------------------------------------------

template <class F, class K, class V>
concept ChangesRecord = std::is_invocable_v<F&, V&> || std::is_invocable_v<F&, const K&, V&> ||
    std::is_invocable_v<F&, K&, V&>;

template <class F, class K, class V>
constexpr bool check_callable() {
  constexpr bool copies = std::copy_constructible<F>;
  constexpr bool takes = TakesRecord<F, K, V>;
  constexpr bool changes = !takes && ChangesRecord<F, K, V>;
  static_assert(copies,
                "millrace: each task gets its own copy of this callable: capture a std::shared_ptr "
                "instead of a std::unique_ptr");
  static_assert(!copies || !changes,
                "millrace: values are shared: take const V& and return the changed copy");
  static_assert(!copies || changes || takes,
                "millrace: this callable must take (const V&) or (const K&, const V&), with the "
                "stream's own K and V");
  return copies && takes;
}

template <class F, class K, class V>
constexpr bool check_predicate() {
  if constexpr (check_callable<F, K, V>()) {
    constexpr bool answers = std::convertible_to<call_result_t<F, K, V>, bool>;
    static_assert(answers, "millrace: the predicate must return bool");
    return answers;
  } else {
    return false;
  }
}

// REQUIRES: F can be called. R: what becomes key or value.
template <class R>
constexpr bool check_result() {
  constexpr bool returns = !std::is_void_v<R>;
  constexpr bool owns = !returns || owns_its_data<R>;
  static_assert(returns,
                "millrace: the result is the new value: return it, or use peek() or for_each()");
  static_assert(owns,
                "millrace: keys and values must own their data: return std::string instead of a "
                "view or a pointer");
  return returns && owns;
}

template <class R>
constexpr bool check_key_value() {
  static_assert(is_key_value<R>, "millrace: map() needs both sides: return KeyValue{key, value}");
  if constexpr (is_key_value<R>) {
    return check_result<decltype(R::key)>() && check_result<decltype(R::value)>();
  } else {
    return false;
  }
}

template <class F, class K, class V>
constexpr bool check_mapper() {
  if constexpr (check_callable<F, K, V>()) {
    return check_result<call_result_t<F, K, V>>();
  } else {
    return false;
  }
}

// map(): the result is a KeyValue.
template <class F, class K, class V>
constexpr bool check_key_value_mapper() {
  if constexpr (check_mapper<F, K, V>()) {
    return check_key_value<call_result_t<F, K, V>>();
  } else {
    return false;
  }
}

// flat_map_values(): the result is a range.
template <class F, class K, class V>
constexpr bool check_range_mapper() {
  if constexpr (check_mapper<F, K, V>()) {
    using Element = range_element_t<call_result_t<F, K, V>>;
    constexpr bool is_range = !std::is_void_v<Element>;
    static_assert(
        is_range,
        "millrace: flat_map_values() needs a range of the new values: return a std::vector");
    if constexpr (is_range) {
      return check_result<Element>();
    } else {
      return false;
    }
  } else {
    return false;
  }
}

// flat_map(): the result is a range of KeyValues.
template <class F, class K, class V>
constexpr bool check_key_value_range_mapper() {
  if constexpr (check_mapper<F, K, V>()) {
    using Element = range_element_t<call_result_t<F, K, V>>;
    constexpr bool fits = is_key_value<Element>;
    static_assert(
        fits,
        "millrace: flat_map() needs a range of KeyValue{key, value}: return a std::vector "
        "of them");
    if constexpr (fits) {
      return check_key_value<Element>();
    } else {
      return false;
    }
  } else {
    return false;
  }
}

// --- boundaries -------------------------------------------------------------------------------

// K and V need serdes of their own at a topic where none are named.
template <class K, class V>
constexpr bool check_default_serdes() {
  constexpr bool has_size = !is_time_windowed<K>;
  constexpr bool has_serdes = HasSerde<K> && HasSerde<V>;
  static_assert(has_size,
                "millrace: a windowed key is stored without the window's end, so name its size: "
                "Topic<Windowed<K>, V>(\"name\", {.key = time_windowed_serde<K>(1h)})");
  static_assert(!has_size || has_serdes,
                "millrace: no serde for this type: include millrace/serde_json.h, specialise "
                "millrace::Serde<T>, or name a serde here");
  return has_size && has_serdes;
}

// Whether records of K and V may be written to a topic of TK and TV: equal types, or values that
// become optional.
template <class K, class V, class TK, class TV>
constexpr bool check_topic() {
  constexpr bool nullable_into_plain = std::same_as<K, TK> && std::same_as<V, std::optional<TV>>;
  constexpr bool fits =
      std::same_as<K, TK> && (std::same_as<V, TV> || std::same_as<std::optional<V>, TV>);
  static_assert(!nullable_into_plain,
                "millrace: this stream holds tombstones, the topic does not: drop_tombstones(), or "
                "declare the topic with std::optional");
  static_assert(nullable_into_plain || fits,
                "millrace: this topic is declared with other types than the stream's");
  return fits;
}

template <class K>
constexpr bool check_key() {
  static_assert(!lacks_key<K>,
                "millrace: choose a key first with group_by(), select_key() or map()");
  return !lacks_key<K>;
}

// Records of these types have a key and a value to be grouped by.
template <class K, class V>
constexpr bool check_grouping() {
  constexpr bool has_key = !lacks_key<K>;
  constexpr bool has_value = !is_optional<V>;
  static_assert(has_key, "millrace: choose a key first with group_by(), select_key() or map()");
  static_assert(!has_key || has_value,
                "millrace: values of std::optional cannot be grouped or joined: "
                "drop_tombstones(), or map_values() them to something, or to_table()");
  return has_key && has_value;
}

// The key that group_by() makes; Failed where the callable makes none.
template <class F, class K, class V, class Result = call_result_t<F, K, V>>
struct NewKey {
  using type = Failed;
};
template <class F, class K, class V, class Result>
requires(!std::is_void_v<Result> && owns_its_data<Result>) struct NewKey<F, K, V, Result> {
  using type = Result;
};
template <class F, class K, class V>
using new_key_t = typename NewKey<F, K, V>::type;

template <class F, class K, class V>
constexpr bool check_group_mapper() {
  if constexpr (check_mapper<F, K, V>()) {
    return check_grouping<call_result_t<F, K, V>, V>();
  } else {
    return false;
  }
}

}  // namespace millrace::detail

// A serde for what was refused, so that no second sentence asks for one.
template <>
struct millrace::Serde<millrace::detail::Failed> {
  void serialize(millrace::detail::Failed, Bytes&) const {}
  void deserialize(BytesView, millrace::detail::Failed&) const {}
};
