// The options of operators: structs that are filled with designated initializers, in the order in
// which their members stand here.
//
//   builder.stream(kFlights, {.timestamp = departure_time, .name = "departures"})
//       .filter(is_late, {.name = "late-ones"})
//       .repartition("by-origin", {.partitions = 12});
//
// A serde that is left out is Serde<T> of the type; where there is none, the program does not
// compile. `where` is filled in by the compiler: errors name the line of the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "millrace/detail/sink_node.h"
#include "millrace/detail/source_node.h"
#include "millrace/serde.h"
#include "millrace/source_location.h"
#include "millrace/store_name.h"

namespace millrace {

// The name of an operator that makes neither state nor a topic: seen in describe() and in errors.
// Without one it is called after its word and place: "filter@flights.cc:12". From a literal, which
// is checked while compiling, or from runtime(text), which build() checks.
class OperatorName {
 public:
  constexpr OperatorName() = default;
  template <std::size_t N>
  consteval OperatorName(const char (&literal)[N])
      : text_(detail::checked_name({literal, N - 1})) {}
  constexpr OperatorName(RuntimeName name) : text_(name.text) {}
  constexpr OperatorName(Name name) : text_(name.view()) {}

  constexpr std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

struct Named {
  OperatorName name = {};
  SourceLocation where = SourceLocation::current();
};

// --- sources ---------------------------------------------------------------------------------

// What to do with a null payload where the type cannot hold it (std::optional<V> can): kSkip the
// record and count it; kFail, as bytes that cannot be decoded (the deserialization handler is
// asked); kDeadLetter, into ErrorHandling::dead_letter_topic, which must be named.
using OnNull = graph::NullPolicy;

// Takes the record's timestamp; a negative one fails: the deserialization handler is asked. The
// default.
struct FailOnInvalid {};

// Takes the record's timestamp; a record with a negative one is dropped, counted and logged.
struct LogAndSkip {};

// The time at which the record is read, by the wall clock.
struct WallClock {};

// Takes the record's timestamp, or where that is negative the greatest of its partition so far; the
// topology stops where there is none (SEMANTICS R-T8).
struct UsePartitionTime {};

namespace detail {
template <class F, class K, class V>
concept ExtractsTime =
    std::is_invocable_r_v<Timestamp, F&, const K&, const V&, const RecordContext&>;

Timestamp record_or_partition_time(const RecordContext& context, Timestamp partition_time);
}  // namespace detail

// When a record happened: a callable Timestamp(const K&, const V&, const RecordContext&), where
// RecordContext::timestamp is what the record carries; or one of the structs above. A negative
// result drops the record, counted; to stop instead, throw.
template <class K, class V>
class TimestampExtractor {
 public:
  TimestampExtractor() = default;
  TimestampExtractor(FailOnInvalid) {}
  TimestampExtractor(LogAndSkip)
      : function_([](const K&, const V&, const RecordContext& context, Timestamp) {
          return context.timestamp;
        }),
        logs_dropped_(true) {}
  TimestampExtractor(WallClock) : by_wall_clock_(true) {}
  TimestampExtractor(UsePartitionTime)
      : function_([](const K&, const V&, const RecordContext& context, Timestamp partition_time) {
          return detail::record_or_partition_time(context, partition_time);
        }) {}

  template <class F>
  requires detail::ExtractsTime<F, K, V> TimestampExtractor(F f)
      : function_([f = std::move(f)](const K& key, const V& value, const RecordContext& context,
                                     Timestamp) mutable { return f(key, value, context); }) {}

  const graph::TimestampExtractorFunction<K, V>& function() const { return function_; }
  bool by_wall_clock() const { return by_wall_clock_; }
  bool logs_dropped() const { return logs_dropped_; }

 private:
  graph::TimestampExtractorFunction<K, V> function_;
  bool by_wall_clock_ = false;
  bool logs_dropped_ = false;
};

template <class K, class V>
struct Consumed {
  TimestampExtractor<K, V> timestamp = {};
  OnNull on_null = OnNull::kSkip;
  OperatorName name = {};
  SourceLocation where = SourceLocation::current();
};

// --- sinks and internal topics ----------------------------------------------------------------

// .partitioner: a callable (const K&, const V&, std::int32_t partitions) -> Partition, or
// std::optional<Partition> where std::nullopt asks for the default: the partition of the key's
// bytes.
template <class K, class V>
struct Produced {
  graph::PartitionerFunction<K, V> partitioner = {};
  OperatorName name = {};
  SourceLocation where = SourceLocation::current();
};

// .partitions: how many the internal topic has; left out: as many as the topics that the records
// come from (SEMANTICS R-RP4).
template <class K, class V>
struct Repartitioned {
  AnySerde<K> key_serde = default_serde<K>();
  AnySerde<V> value_serde = default_serde<V>();
  std::optional<std::int32_t> partitions = {};
  graph::PartitionerFunction<K, V> partitioner = {};
  SourceLocation where = SourceLocation::current();
};

// Of group_by(): its internal topic.
template <class K, class V>
using Grouped = Repartitioned<K, V>;

// --- state -----------------------------------------------------------------------------------

// Where a store keeps what memory has no room for, and what it finds again after a restart. The
// default: on disk, below the state directory; a run without one (a test) keeps all in memory. In
// memory alone: a restart reads the whole changelog, and the store must fit.
enum class StoreKind { kPersistent, kInMemory };

// Whether a store's entries are written to a changelog, from which another machine, or this one
// without its disk, finds them again.
enum class Changelog {
  kYes,
  // After a restart, and wherever its task moves to, the store is empty. Only of stores in memory:
  // one on disk would hold less, or more, than what was committed; build() refuses it.
  kNone,
};

// How a store's entries are written to its changelog, and where it keeps them.
template <class K, class A>
struct Materialized {
  AnySerde<K> key_serde = default_serde<K>();
  AnySerde<A> value_serde = default_serde<A>();
  StoreKind store = StoreKind::kPersistent;
  Changelog changelog = Changelog::kYes;
  SourceLocation where = SourceLocation::current();
};

// The same for a store of windows. .retention: how long a window can be read, counted from its
// start in stream time; at least, and left out exactly, size + grace (SEMANTICS R-W5).
template <class K, class A>
struct MaterializedWindows {
  AnySerde<K> key_serde = default_serde<K>();
  AnySerde<A> value_serde = default_serde<A>();
  StoreKind store = StoreKind::kPersistent;
  std::optional<Duration> retention = {};
  Changelog changelog = Changelog::kYes;
  SourceLocation where = SourceLocation::current();
};

}  // namespace millrace
