// Operators that change keys and move records to another partition.
#include "abort/operators.h"

namespace millrace::testing {

namespace {
using Text = std::string;
using MaybeText = std::optional<std::string>;

KeyValue<Text, Text> swapped(const Text& key, const Text& value) { return {value, key}; }
}  // namespace

std::vector<Operator> moving_operators() {
  return {
      {"KStream::map", [](StreamsBuilder& b) { b.stream<Text, Text>("in").map(swapped).to("out"); },
       stream_script},
      {"KStream::flat_map",
       [](StreamsBuilder& b) {
         b.stream<Text, Text>("in")
             .flat_map([](const Text& k, const Text& v) {
               return std::vector{swapped(k, v), KeyValue<Text, Text>{k, v}};
             })
             .to("out");
       },
       stream_script},
      {"KStream::select_key",
       [](StreamsBuilder& b) {
         b.stream<Text, Text>("in").select_key([](const Text& v) { return v; }).to("out");
       },
       stream_script},
      {"KStream::repartition",
       [](StreamsBuilder& b) {
         b.stream<MaybeText, Text>("in").repartition("moved", {.partitions = 3}).to("out");
       },
       stream_script},
      {"KStream::group_by",
       [](StreamsBuilder& b) {
         b.stream<Text, Text>("in")
             .group_by("by-digit", [](const Text& v) { return v.substr(v.size() - 1); })
             .reduce("joined", [](Text all, const Text& v) { return all + "," + v; })
             .to_stream()
             .to("out");
       },
       stream_script},
  };
}

}  // namespace millrace::testing
