// A case's topology under construction: what each op returned, by its id, and what its results are
// to be read with later. The ops themselves are in *_ops.cc, one entry of the Registry each.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "cases/runner/case.h"
#include "cases/runner/functions.h"
#include "cases/runner/journal.h"
#include "cases/runner/text.h"
#include "millrace/dsl.h"

namespace millrace::cases {

// What an op returns: README.md §4.
using Stream = KStream<Text, Text>;
using Table = KTable<Text, Text>;
using GroupedStream = KGroupedStream<Text, Text>;
using GroupedTable = KGroupedTable<Text, Text>;
struct WindowedGroups {
  TimeWindowedKStream<Text, Text> groups;
  Duration size;
};
struct WindowedStream {
  KStream<Windowed<Text>, Text> stream;
  Duration size;
};
struct WindowedTable {
  KTable<Windowed<Text>, Text> table;
  Duration size;
};
using Place = std::variant<Stream, WindowedStream, Table, WindowedTable, GroupedStream,
                           GroupedTable, WindowedGroups>;

// kPlainTexts: of a processor; Kafka Streams keeps no timestamps there.
enum class StoreKind { kTexts, kPlainTexts, kCounts, kWindowedTexts, kWindowedCounts };

struct OutputKind {
  std::optional<Duration> window_size;  // of windowed keys
  int writers = 0;                      // how many ops write to it
};

// What is left once the topology is built.
struct BuiltCase {
  Topology topology;
  std::map<std::string, OutputKind> outputs;  // by topic
  std::map<std::string, StoreKind> stores;    // those with a name in the case
  std::shared_ptr<Journal> journal;           // what peeks saw
  bool has_internal_topics = false;           // repartition topics
};

class Building {
 public:
  StreamsBuilder builder;
  std::map<std::string, OutputKind> outputs;
  std::map<std::string, StoreKind> stores;
  std::shared_ptr<Journal> journal = std::make_shared<Journal>();
  bool has_internal_topics = false;

  void put(const std::string& id, Place place) { places_.insert_or_assign(id, std::move(place)); }

  // The i-th input of the op. Errors: CaseError if there is none, or it is of another kind.
  template <class P>
  const P& input(const Op& op, std::size_t i = 0) const {
    const P* place = std::get_if<P>(&place_of(op, i));
    if (place == nullptr) throw CaseError("op " + op.id + ": its input is of a wrong kind");
    return *place;
  }
  const Place& place_of(const Op& op, std::size_t i) const;
  bool has(const std::string& id) const { return places_.contains(id); }

  void output(const std::string& topic, std::optional<Duration> window_size) {
    outputs[topic].window_size = window_size;
    ++outputs[topic].writers;
  }

 private:
  std::map<std::string, Place> places_;
};

// The ops that the runner knows, by name and kind of their first input.
class Registry {
 public:
  // Puts what the op gives.
  using Put = std::function<void(Building& building, const Op& op)>;

  void add_source(const std::string& op, Put put) { sources_[op] = std::move(put); }

  // put(Building&, const Op&, const In&).
  template <class In, class F>
  void add(const std::string& op, F put) {
    ops_[op][kind_of<In>()] = [put](Building& building, const Op& spec) {
      put(building, spec, building.input<In>(spec));
    };
  }

  bool knows(const std::string& op) const { return sources_.contains(op) || ops_.contains(op); }

  // Effect: adds the op to the topology. REQUIRES: knows(op.op). Errors: UnknownWord, CaseError.
  void run(Building& building, const Op& op) const;

 private:
  template <class In, std::size_t i = 0>
  static constexpr std::size_t kind_of() {
    if constexpr (std::is_same_v<In, std::variant_alternative_t<i, Place>>) {
      return i;
    } else {
      return kind_of<In, i + 1>();
    }
  }

  std::map<std::string, Put> sources_;
  std::map<std::string, std::map<std::size_t, Put>> ops_;
};

void add_stream_ops(Registry& registry);
void add_stream_outlets(Registry& registry);
void add_windowed_ops(Registry& registry);
void add_table_ops(Registry& registry);
void add_table_groups(Registry& registry);
void add_aggregates(Registry& registry);
void add_windowed_aggregates(Registry& registry);
void add_processors(Registry& registry);

// For the ops. In place: with a repartition topic of this name where the keys may have changed, as
// Kafka Streams inserts it.
Stream in_place(Building& building, const Stream& stream, const std::string& name);

// Sees the inner key, or with window_string the window, too.
std::function<Text(const Windowed<Text>& key, const Text& value)> windowed_mapper(
    const Function& function);

// --- whole cases
// ------------------------------------------------------------------------------------

// What the case names and the runner does not know: empty if it can be built.
std::set<std::string> unknown_words(const Case& c);

// REQUIRES: unknown_words(c).empty().
// Errors: CaseError for a case that makes no sense, TopologyError for one that millrace refuses.
BuiltCase build_case(const Case& c);

}  // namespace millrace::cases
