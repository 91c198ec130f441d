// The sentences that a wrong program meets while compiling (API §5), all in one place. What finds
// the mistakes is checks.h; a method asks
//
//   if constexpr (detail::NoMistake<detail::mistake_in_mapper<F, K, V>(), F>::value) {
//     ...
//   } else {
//     return detail::Failed();
//   }
//
// so that the sentence is the only error, and stands near the user's line: each function between
// the two would add a line.
#pragma once

#include "millrace/bytes.h"
#include "millrace/serde.h"

namespace millrace::detail {

enum class Mistake {
  kNone,
  // callables
  kMoveOnly,
  kChangesValue,
  kOtherTypes,
  kNoBool,
  kNothingReturned,
  kView,
  kNoKeyValue,
  kNoRange,
  kNoKeyValues,
  // types of a stream, its topics and stores
  kNoSerde,
  kNoWindowSize,
  kTopicOfOtherTypes,
  kTombstonesIntoPlain,
  kNoKey,
  kMaybeNoValue,
  kNeverMissing,
  // aggregates
  kReducer,
  kInitialView,
  kAggregatorOfOtherTypes,
  kAggregatorReturnsNothing,
  kAggregatorReturnsOtherType,
  kAggregatorTakesReference,
  kAggregatorSwapped,
  // joins and tables
  kJoinedKeys,
  kJoinerOfOtherTypes,
  kLeftJoinerOfOtherTypes,
  kLeftJoinerTakesReference,
  kJoinerChangesValue,
  kJoinerReturnsNothing,
  kTableWithoutKey,
  kNoSubtractor,
  kOtherStore,
  // processors
  kNoProcessor,
  kNoFixedKeyProcessor,
  kProcessorOfOtherTypes,
  kMoveOnlyProcessor,
};

// Of: what the mistake is about; with it each place has a sentence of its own.
template <Mistake kMistake, class... Of>
struct NoMistake {
  static constexpr bool value = kMistake == Mistake::kNone;

  static_assert(kMistake != Mistake::kMoveOnly,
                "millrace: each task gets its own copy of this callable: capture a std::shared_ptr "
                "instead of a std::unique_ptr");
  static_assert(kMistake != Mistake::kChangesValue,
                "millrace: values are shared: take const V& and return the changed copy");
  static_assert(kMistake != Mistake::kOtherTypes,
                "millrace: this callable must take (const V&) or (const K&, const V&), with the "
                "stream's own K and V");
  static_assert(kMistake != Mistake::kNoBool, "millrace: the predicate must return bool");
  static_assert(kMistake != Mistake::kNothingReturned,
                "millrace: the result is the new value: return it, or use peek() or for_each()");
  static_assert(kMistake != Mistake::kView,
                "millrace: keys and values must own their data: return std::string instead of a "
                "view or a pointer");
  static_assert(kMistake != Mistake::kNoKeyValue,
                "millrace: map() needs both sides: return KeyValue{key, value}");
  static_assert(
      kMistake != Mistake::kNoRange,
      "millrace: flat_map_values() needs a range of the new values: return a std::vector");
  static_assert(kMistake != Mistake::kNoKeyValues,
                "millrace: flat_map() needs a range of KeyValue{key, value}: return a std::vector "
                "of them");

  static_assert(kMistake != Mistake::kNoSerde,
                "millrace: no serde for this type: include millrace/serde_json.h, specialise "
                "millrace::Serde<T>, or name a serde here");
  static_assert(kMistake != Mistake::kNoWindowSize,
                "millrace: a windowed key is stored without the window's end, so name a serde that "
                "knows the size: {.key = time_windowed_serde<K>(1h)}");
  static_assert(kMistake != Mistake::kTopicOfOtherTypes,
                "millrace: this topic is declared with other types than the stream's");
  static_assert(kMistake != Mistake::kTombstonesIntoPlain,
                "millrace: this stream holds tombstones, the topic does not: drop_tombstones(), or "
                "declare the topic with std::optional");
  static_assert(kMistake != Mistake::kNoKey,
                "millrace: choose a key first with group_by(), select_key() or map()");
  static_assert(kMistake != Mistake::kMaybeNoValue,
                "millrace: values of std::optional cannot be grouped or joined: drop_tombstones(), "
                "or map_values() them to something, or to_table()");
  static_assert(kMistake != Mistake::kNeverMissing,
                "millrace: drop_tombstones() is for streams of std::optional; these values are "
                "never missing");

  static_assert(kMistake != Mistake::kReducer,
                "millrace: a reducer must take (V aggregate, const V& value) and return V; for "
                "another type use aggregate()");
  static_assert(
      kMistake != Mistake::kInitialView,
      "millrace: keys and values must own their data: begin with a std::string instead of "
      "a view or a pointer");
  static_assert(kMistake != Mistake::kAggregatorOfOtherTypes,
                "millrace: an aggregator must take (const V& value, A aggregate) or (const K&, "
                "const V&, A), with A the type of the initial value");
  static_assert(kMistake != Mistake::kAggregatorReturnsNothing,
                "millrace: the result is the new aggregate: return it");
  static_assert(kMistake != Mistake::kAggregatorReturnsOtherType,
                "millrace: an aggregator must return the type of the initial value, or "
                "std::optional of it where std::nullopt deletes");
  static_assert(kMistake != Mistake::kAggregatorTakesReference,
                "millrace: take the aggregate by value and return it: (const V& value, A "
                "aggregate)");
  static_assert(kMistake != Mistake::kAggregatorSwapped,
                "millrace: an aggregator takes (const V& value, A aggregate): the value comes "
                "first");

  static_assert(kMistake != Mistake::kJoinedKeys,
                "millrace: both sides of a join need the same key type: select_key() and "
                "repartition(), or a foreign-key or global-table join");
  static_assert(kMistake != Mistake::kJoinerOfOtherTypes,
                "millrace: this joiner must take (const V1&, const V2&) or (const K&, const V1&, "
                "const V2&), with the key and the two values of the joined sides");
  static_assert(kMistake != Mistake::kLeftJoinerOfOtherTypes,
                "millrace: this joiner must take (const V1&, const V2*) or (const K&, const V1&, "
                "const V2*), with the key and the two values of the joined sides");
  static_assert(kMistake != Mistake::kLeftJoinerTakesReference,
                "millrace: the right side of a left join may be absent: take const V2*");
  static_assert(kMistake != Mistake::kJoinerChangesValue,
                "millrace: values are shared: take const V& and return the joined value");
  static_assert(kMistake != Mistake::kJoinerReturnsNothing,
                "millrace: what the joiner returns is the new value: return it");
  static_assert(kMistake != Mistake::kTableWithoutKey,
                "millrace: a table has one row per key: give its topic a key type other than NoKey "
                "and std::optional");
  static_assert(kMistake != Mistake::kNoSubtractor,
                "millrace: rows leave groups, too: after the function that adds a value comes the "
                "one that subtracts it");
  static_assert(kMistake != Mistake::kOtherStore,
                "millrace: this store name is declared for another kind of store, or for other key "
                "or value types");

  static_assert(kMistake != Mistake::kNoProcessor,
                "millrace: process() takes a processor, or a callable that makes one: derive it "
                "from millrace::Processor<KIn, VIn, KOut, VOut>");
  static_assert(kMistake != Mistake::kNoFixedKeyProcessor,
                "millrace: process_values() takes a processor that keeps the key, or a callable "
                "that makes one: derive it from millrace::FixedKeyProcessor<K, VIn, VOut>");
  static_assert(kMistake != Mistake::kProcessorOfOtherTypes,
                "millrace: this processor reads other types than the stream has: derive it with "
                "the stream's own K and V");
  static_assert(kMistake != Mistake::kMoveOnlyProcessor,
                "millrace: each task gets its own copy of this processor: hold a std::shared_ptr "
                "instead of a std::unique_ptr, or give a callable that makes processors");
};

// The first of two mistakes.
constexpr Mistake first_of(Mistake one, Mistake other) {
  return one == Mistake::kNone ? other : one;
}

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
  MILLRACE_FAILED(process)
  MILLRACE_FAILED(process_values)
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

}  // namespace millrace::detail

// A serde for what was refused, so that no second sentence asks for one.
template <>
struct millrace::Serde<millrace::detail::Failed> {
  void serialize(millrace::detail::Failed, Bytes&) const {}
  void deserialize(BytesView, millrace::detail::Failed&) const {}
};
