// expect: millrace: say how late a record may be: .grace = 5min, or .grace = 0s to drop every late
//         record
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  using namespace std::chrono_literals;
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
#ifdef CONTROL
  groups.windowed_by(millrace::TimeWindows{.size = 1h, .grace = 5min}).count("per-hour");
#else
  groups.windowed_by(millrace::TimeWindows{.size = 1h}).count("per-hour");
#endif
}
