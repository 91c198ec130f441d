#include "cases/runner/building.h"

namespace millrace::cases {

namespace {

Registry all_ops() {
  Registry registry;
  add_stream_ops(registry);
  add_stream_outlets(registry);
  add_windowed_ops(registry);
  add_table_ops(registry);
  add_table_groups(registry);
  add_aggregates(registry);
  add_windowed_aggregates(registry);
  add_processors(registry);
  return registry;
}

bool inputs_are_there(const Building& building, const Op& op) {
  for (const std::string& id : op.in) {
    if (!building.has(id)) return false;
  }
  return true;
}

// Effect: adds all ops that can be added. What cannot be is told in `unknown`.
void build(const Case& c, Building& building, std::set<std::string>& unknown) {
  static const Registry registry = all_ops();
  for (const auto& [name, value] : c.config) unknown.insert("config " + name);
  for (const Op& op : c.topology) {
    // What stands below something unknown cannot be built; but it may have a word of its own.
    const bool hangs = !unknown.empty() && !inputs_are_there(building, op);
    try {
      if (!registry.knows(op.op)) throw UnknownWord("op " + op.op);
      if (hangs) continue;
      registry.run(building, op);
      for (const std::string& name : op.not_taken()) unknown.insert(op.op + '.' + name);
    } catch (const UnknownWord& word) {
      unknown.insert(word.what());
    }
  }
}

}  // namespace

const Place& Building::place_of(const Op& op, std::size_t i) const {
  if (i >= op.in.size()) throw CaseError("op " + op.id + " lacks an input");
  const auto found = places_.find(op.in[i]);
  if (found == places_.end()) throw CaseError("op " + op.id + " refers to unknown " + op.in[i]);
  return found->second;
}

void Registry::run(Building& building, const Op& op) const {
  if (const auto source = sources_.find(op.op); source != sources_.end()) {
    return source->second(building, op);
  }
  const auto& kinds = ops_.at(op.op);
  const auto put = kinds.find(building.place_of(op, 0).index());
  if (put == kinds.end()) throw CaseError("op " + op.id + ": its input is of a wrong kind");
  put->second(building, op);
}

Stream in_place(Building& building, const Stream& stream, const std::string& name) {
  if (stream.keys() == detail::Keys::kInPlace) return stream;
  building.has_internal_topics = true;
  return stream.repartition(runtime(name));
}

std::set<std::string> unknown_words(const Case& c) {
  Building building;
  std::set<std::string> unknown;
  build(c, building, unknown);
  return unknown;
}

BuiltCase build_case(const Case& c) {
  Building building;
  std::set<std::string> unknown;
  build(c, building, unknown);
  if (!unknown.empty()) throw CaseError("names what the runner does not know: " + *unknown.begin());
  return {building.builder.build(), std::move(building.outputs), std::move(building.stores),
          building.journal, building.has_internal_topics};
}

}  // namespace millrace::cases
