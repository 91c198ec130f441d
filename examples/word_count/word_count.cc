#include "word_count.h"

#include <millrace/dsl.h>

#include <iterator>
#include <sstream>
#include <vector>

namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

}  // namespace

millrace::Topology word_count_topology() {
  millrace::StreamsBuilder builder;
  builder.stream(kLines)
      .flat_map_values(words_of)
      .group_by("by-word", [](const std::string& word) { return word; })
      .count("word-counts")
      .to_stream()
      .to(kCounts);
  return builder.build();
}
