// Finds what is wrong with the types and callables that a method of the DSL is given: each function
// answers with a Mistake, whose sentence stands in mistakes.h.
#pragma once

#include <concepts>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

#include "millrace/dsl/detail/callable.h"
#include "millrace/dsl/detail/mistakes.h"
#include "millrace/record.h"
#include "millrace/serde.h"
#include "millrace/topic.h"
#include "millrace/windowed.h"

namespace millrace::detail {

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
constexpr Mistake mistake_in_callable() {
  if (!std::copy_constructible<F>) return Mistake::kMoveOnly;
  if (TakesRecord<F, K, V>) return Mistake::kNone;
  return ChangesRecord<F, K, V> ? Mistake::kChangesValue : Mistake::kOtherTypes;
}

template <class F, class K, class V>
constexpr Mistake mistake_in_predicate() {
  constexpr bool answers = std::convertible_to<call_result_t<F, K, V>, bool>;
  return first_of(mistake_in_callable<F, K, V>(), answers ? Mistake::kNone : Mistake::kNoBool);
}

// R: what becomes key or value.
template <class R>
constexpr Mistake mistake_in_result() {
  if constexpr (std::is_void_v<R>) {
    return Mistake::kNothingReturned;
  } else {
    return owns_its_data<R> ? Mistake::kNone : Mistake::kView;
  }
}

template <class F, class K, class V>
constexpr Mistake mistake_in_mapper() {
  return first_of(mistake_in_callable<F, K, V>(), mistake_in_result<call_result_t<F, K, V>>());
}

// R: what map() returns, or an element of what flat_map() returns. `otherwise`: it is no KeyValue.
template <class R>
constexpr Mistake mistake_in_key_value(Mistake otherwise) {
  if constexpr (is_key_value<R>) {
    return first_of(mistake_in_result<decltype(R::key)>(), mistake_in_result<decltype(R::value)>());
  } else {
    return otherwise;
  }
}

template <class F, class K, class V>
constexpr Mistake mistake_in_key_value_mapper() {
  return first_of(mistake_in_mapper<F, K, V>(),
                  mistake_in_key_value<call_result_t<F, K, V>>(Mistake::kNoKeyValue));
}

template <class F, class K, class V>
constexpr Mistake mistake_in_range_mapper() {
  using Element = range_element_t<call_result_t<F, K, V>>;
  constexpr Mistake mistake = mistake_in_mapper<F, K, V>();
  if (mistake != Mistake::kNone) return mistake;
  return std::is_void_v<Element> ? Mistake::kNoRange : mistake_in_result<Element>();
}

template <class F, class K, class V>
constexpr Mistake mistake_in_key_value_range_mapper() {
  using Element = range_element_t<call_result_t<F, K, V>>;
  return first_of(mistake_in_mapper<F, K, V>(),
                  mistake_in_key_value<Element>(Mistake::kNoKeyValues));
}

// --- boundaries -------------------------------------------------------------------------------

// K and V at a topic or store where no serdes are named.
template <class K, class V>
constexpr Mistake mistake_in_default_serdes() {
  if (is_time_windowed<K>) return Mistake::kNoWindowSize;
  return HasSerde<K> && HasSerde<V> ? Mistake::kNone : Mistake::kNoSerde;
}

// Records of K and V on their way to a topic of TK and TV, which has equal types, or values that
// become optional.
template <class K, class V, class TK, class TV>
constexpr Mistake mistake_in_topic() {
  if (!std::same_as<K, TK>) return Mistake::kTopicOfOtherTypes;
  if (std::same_as<V, TV> || std::same_as<std::optional<V>, TV>) return Mistake::kNone;
  return std::same_as<V, std::optional<TV>> ? Mistake::kTombstonesIntoPlain
                                            : Mistake::kTopicOfOtherTypes;
}

template <class K>
constexpr Mistake mistake_in_key() {
  return lacks_key<K> ? Mistake::kNoKey : Mistake::kNone;
}

// Through an internal topic.
template <class K>
constexpr Mistake mistake_in_moving() {
  return std::same_as<K, NoKey> ? Mistake::kNoKey : Mistake::kNone;
}

// Records of these types need a key and a value to be grouped or joined by.
template <class K, class V>
constexpr Mistake mistake_in_grouping() {
  return first_of(mistake_in_key<K>(), is_optional<V> ? Mistake::kMaybeNoValue : Mistake::kNone);
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
constexpr Mistake mistake_in_group_mapper() {
  return first_of(mistake_in_mapper<F, K, V>(), mistake_in_grouping<new_key_t<F, K, V>, V>());
}

}  // namespace millrace::detail
