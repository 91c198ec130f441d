// Streams by key and window. The windows are short beside the disorder, so that records are late,
// and some windows are gone from the store before the script ends.
#include "abort/operators.h"

namespace millrace::testing {

using namespace std::chrono_literals;

namespace {
using Text = std::string;

auto grouped(StreamsBuilder& b) { return b.stream<Text, Text>("in").group_by_key(); }

TimeWindows tumbling() { return {.size = 30ms, .grace = 5ms}; }
TimeWindows hopping() { return {.size = 60ms, .advance = 20ms, .grace = 0ms}; }

template <class V>
void send(const KTable<Windowed<Text>, V>& table, Duration size) {
  table.to_stream().to(
      Topic<Windowed<Text>, std::optional<V>>("out", {.key = time_windowed_serde<Text>(size)}));
}
}  // namespace

std::vector<Operator> window_aggregates() {
  return {
      {"KGroupedStream::windowed_by",
       [](StreamsBuilder& b) {
         send(grouped(b).windowed_by(tumbling()).count("n"), tumbling().size);
       },
       full_script},
      {"TimeWindowedKStream::count",
       [](StreamsBuilder& b) {
         send(grouped(b).windowed_by(hopping()).count("n"), hopping().size);
       },
       stream_script},
      {"TimeWindowedKStream::reduce",
       [](StreamsBuilder& b) {
         send(grouped(b)
                  .windowed_by(tumbling())
                  .reduce("all", [](Text all, const Text& v) { return all + "," + v; }),
              tumbling().size);
       },
       stream_script},
      {"TimeWindowedKStream::aggregate",
       [](StreamsBuilder& b) {
         send(grouped(b).windowed_by(hopping()).aggregate(
                  "sum", std::int64_t{0},
                  [](const Text& v, std::int64_t sum) -> std::optional<std::int64_t> {
                    if (number(v) % 10 == 7) return std::nullopt;
                    return sum + number(v);
                  }),
              hopping().size);
       },
       stream_script},
  };
}

}  // namespace millrace::testing
