#include "streams/worker/topologies.h"

#include <utility>

#include "millrace/dsl.h"

namespace millrace::worker {

namespace {
using Text = std::string;
}

Topology copying() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in").to("out");
  return builder.build();
}

Topology counting() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in")
      .group_by_key()
      .count("n")
      .map_values([](const std::int64_t& n) { return std::to_string(n); })
      .to_stream()
      .to("out");
  return builder.build();
}

Topology counting_values() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in")
      .group_by("by-value", [](const Text& value) { return value; })
      .count("n")
      .map_values([](const std::int64_t& n) { return std::to_string(n); })
      .to_stream()
      .to("out");
  return builder.build();
}

Topology joining() {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in")
      .join(builder.table<Text, Text>("rows", "rows-kept"),
            [](const Text& value, const Text& row) { return value + row; })
      .to("out");
  return builder.build();
}

Topology checking(std::function<void(const Text& key, const Text& value)> f) {
  StreamsBuilder builder;
  builder.stream<Text, Text>("in").peek(std::move(f), {.name = "check"}).to("out");
  return builder.build();
}

Topology strict() {
  StreamsBuilder builder;
  builder.stream(Topic<Text, std::int64_t>("in"), {.on_null = OnNull::kFail, .name = "numbers"})
      .to("out");
  return builder.build();
}

}  // namespace millrace::worker
