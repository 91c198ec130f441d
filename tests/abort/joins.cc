// A stream with a table: one task reads both topics.
#include "abort/operators.h"

namespace millrace::testing {

namespace {
using Text = std::string;
}  // namespace

std::vector<Operator> joins() {
  return {
      {"KStream::join",
       [](StreamsBuilder& b) {
         b.stream<Text, Text>("in")
             .join(b.table<Text, Text>("rows"),
                   [](const Text& v, const Text& row) { return v + "|" + row; })
             .to("out");
       },
       join_script},
      {"KStream::left_join",
       [](StreamsBuilder& b) {
         b.stream<Text, Text>("in")
             .left_join(b.table<Text, Text>("rows", "kept").filter(is_even),
                        [](const Text& v, const Text* row) {
                          return v + "|" + (row ? *row : Text("none"));
                        })
             .to("out");
       },
       join_script},
  };
}

}  // namespace millrace::testing
