// Tables in groups: what leaves a group and what enters one goes through an internal topic.
#include "abort/operators.h"

namespace millrace::testing {

namespace {
using Text = std::string;

KeyValue<Text, Text> by_last_digit(const Text& key, const Text& value) {
  return {value.substr(value.size() - 1), key + value};
}

auto grouped(StreamsBuilder& b) {
  return b.table<Text, Text>("in").group_by("by-digit", by_last_digit);
}
}  // namespace

std::vector<Operator> table_aggregates() {
  return {
      {"KTable::group_by",
       [](StreamsBuilder& b) {
         b.table<Text, Text>("in", "kept")
             .filter(is_even)
             .group_by("by-digit", by_last_digit)
             .count("n")
             .to_stream()
             .to("out");
       },
       stream_script},
      {"KGroupedTable::count",
       [](StreamsBuilder& b) { grouped(b).count("n").to_stream().to("out"); }, stream_script},
      {"KGroupedTable::reduce",
       [](StreamsBuilder& b) {
         grouped(b)
             .reduce(
                 "all", [](Text all, const Text& v) { return all + "+" + v; },
                 [](Text all, const Text& v) { return all + "-" + v; })
             .to_stream()
             .to("out");
       },
       stream_script},
      {"KGroupedTable::aggregate",
       [](StreamsBuilder& b) {
         grouped(b)
             .aggregate(
                 "all", Text("0"),
                 [](const Text& v, Text all) -> std::optional<Text> {
                   if (all.size() > 20) return std::nullopt;  // deletes the row
                   return all + "+" + v;
                 },
                 [](const Text& v, Text all) -> std::optional<Text> { return all + "-" + v; })
             .to_stream()
             .to("out");
       },
       stream_script},
  };
}

}  // namespace millrace::testing
