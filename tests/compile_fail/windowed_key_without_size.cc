// expect: millrace: a windowed key is stored without the window's end, so name a serde that knows
//         the size: {.key = time_windowed_serde<K>(1h)}
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  using namespace std::chrono_literals;
  using millrace::Windowed;
  const auto counts = builder.stream<std::string, std::string>("in")
                          .group_by_key()
                          .windowed_by(millrace::TimeWindows{.size = 1h, .grace = 0s})
                          .count("per-hour")
                          .to_stream();
#ifdef CONTROL
  counts.to(millrace::Topic<Windowed<std::string>, std::optional<std::int64_t>>(
      "out", {.key = millrace::time_windowed_serde<std::string>(1h)}));
#else
  counts.to("out");
#endif
}
