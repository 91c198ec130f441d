// Streams by key, and what is kept for each.
#include "abort/operators.h"

namespace millrace::testing {

namespace {
using Text = std::string;
using MaybeText = std::optional<std::string>;

auto grouped(StreamsBuilder& b) { return b.stream<Text, Text>("in").group_by_key(); }

Text in_brackets(const std::int64_t& n) { return "<" + std::to_string(n) + ">"; }
}  // namespace

std::vector<Operator> stream_aggregates() {
  return {
      {"KStream::group_by_key",
       [](StreamsBuilder& b) {
         grouped(b).count("n").map_values(in_brackets).to_stream().to("out");
       },
       full_script},
      {"KGroupedStream::count",
       [](StreamsBuilder& b) { grouped(b).count("n").to_stream().to("out"); }, stream_script},
      {"KGroupedStream::reduce",
       [](StreamsBuilder& b) {
         grouped(b)
             .reduce("longest", [](Text all, const Text& v) { return all + "," + v; })
             .to_stream()
             .to("out");
       },
       stream_script},
      {"KGroupedStream::aggregate",
       [](StreamsBuilder& b) {
         grouped(b)
             .aggregate("sum", std::int64_t{0},
                        [](const Text& v, std::int64_t sum) -> std::optional<std::int64_t> {
                          if (number(v) % 10 == 7) return std::nullopt;  // deletes the row
                          return sum + number(v);
                        })
             .to_stream()
             .to("out");
       },
       stream_script},
      {"KStream::to_table",
       [](StreamsBuilder& b) {
         b.stream<Text, MaybeText>("in").to_table("rows").to_stream().to("out");
       },
       stream_script},
  };
}

}  // namespace millrace::testing
