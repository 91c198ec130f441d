// Tables, with and without a store of their own. Their topic is a stream's script: null values
// delete rows.
#include "abort/operators.h"

namespace millrace::testing {

namespace {
using Text = std::string;

auto rows(StreamsBuilder& b) { return b.table<Text, Text>("in"); }
auto kept_rows(StreamsBuilder& b) { return b.table<Text, Text>("in", "kept"); }

Text doubled(const Text& value) { return std::to_string(2 * number(value)); }
}  // namespace

std::vector<Operator> table_operators() {
  return {
      {"KTable::filter", [](StreamsBuilder& b) { rows(b).filter(is_even).to_stream().to("out"); },
       stream_script},
      {"KTable::filter, of kept rows",
       [](StreamsBuilder& b) { kept_rows(b).filter(is_even).to_stream().to("out"); },
       stream_script},
      {"KTable::filter, kept",
       [](StreamsBuilder& b) { rows(b).filter("even", is_even).to_stream().to("out"); },
       stream_script},
      {"KTable::filter_not",
       [](StreamsBuilder& b) { rows(b).filter_not(is_even).to_stream().to("out"); }, stream_script},
      {"KTable::filter_not, kept",
       [](StreamsBuilder& b) { kept_rows(b).filter_not("odd", is_even).to_stream().to("out"); },
       stream_script},
      {"KTable::map_values",
       [](StreamsBuilder& b) { rows(b).map_values(doubled).to_stream().to("out"); }, stream_script},
      {"KTable::map_values, kept",
       [](StreamsBuilder& b) {
         rows(b).filter(is_even).map_values("doubled", doubled).to_stream().to("out");
       },
       stream_script},
      {"KTable::to_stream", [](StreamsBuilder& b) { kept_rows(b).to_stream().to("out"); },
       stream_script},
  };
}

}  // namespace millrace::testing
