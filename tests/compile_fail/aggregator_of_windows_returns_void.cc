// expect: millrace: the result is the new aggregate: return it
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  using namespace std::chrono_literals;
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
  const auto hours = groups.windowed_by(millrace::TimeWindows{.size = 1h, .grace = 0s});
#ifdef CONTROL
  hours.aggregate("sizes", std::int64_t{0},
                  [](const std::string& line, std::int64_t n) { return n + std::ssize(line); });
#else
  hours.aggregate("sizes", std::int64_t{0},
                  [](const std::string& line, std::int64_t n) { n += std::ssize(line); });
#endif
}
