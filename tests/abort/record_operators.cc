// Operators that look at one record and keep nothing.
#include "abort/operators.h"

namespace millrace::testing {

namespace {
using Text = std::string;
using MaybeText = std::optional<std::string>;
}  // namespace

std::vector<Operator> record_operators() {
  return {
      {"KStream::filter",
       [](StreamsBuilder& b) { b.stream<Text, Text>("in").filter(is_even).to("out"); },
       stream_script},
      {"KStream::filter_not",
       [](StreamsBuilder& b) { b.stream<Text, Text>("in").filter_not(is_even).to("out"); },
       stream_script},
      {"KStream::map_values",
       [](StreamsBuilder& b) {
         b.stream<Text, Text>("in").map_values([](const Text& v) { return v + "!"; }).to("out");
       },
       stream_script},
      {"KStream::drop_tombstones",
       [](StreamsBuilder& b) { b.stream<Text, MaybeText>("in").drop_tombstones().to("out"); },
       stream_script},
      {"KStream::flat_map_values",
       [](StreamsBuilder& b) {
         b.stream<Text, Text>("in")
             .flat_map_values([](const Text& v) {
               return std::vector<Text>(static_cast<std::size_t>(number(v) % 3), v);
             })
             .to("out");
       },
       stream_script},
      {"KStream::peek",
       [](StreamsBuilder& b) { b.stream<Text, Text>("in").peek([](const Text&) {}).to("out"); },
       stream_script},
      {"KStream::for_each",
       [](StreamsBuilder& b) {
         const auto in = b.stream<Text, Text>("in");
         in.for_each([](const Text&) {});
         in.to("out");
       },
       stream_script},
      {"KStream::merge",
       [](StreamsBuilder& b) {
         const auto in = b.stream<Text, Text>("in");
         in.filter(is_even).merge(b.stream<Text, Text>("rows")).merge(in).to("out");
       },
       join_script},
      {"KStream::split",
       [](StreamsBuilder& b) {
         const auto [even, large, rest] = b.stream<Text, Text>("in").split(
             is_even, [](const Text& v) { return number(v) > 50; });
         even.to("even");
         large.to("large");
         rest.to("rest");
       },
       stream_script},
      {"KStream::to",
       [](StreamsBuilder& b) {
         b.stream<MaybeText, MaybeText>("in").to(
             "out", {.partitioner = [](const MaybeText&, const MaybeText& v, std::int32_t n) {
               return v ? std::optional(Partition(static_cast<std::int32_t>(number(*v) % n)))
                        : std::nullopt;
             }});
       },
       stream_script},
  };
}

}  // namespace millrace::testing
