// expect: millrace: a reducer must take (V aggregate, const V& value) and return V; for another
//         type use aggregate()
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  using namespace std::chrono_literals;
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
  const auto hours = groups.windowed_by(millrace::TimeWindows{.size = 1h, .grace = 0s});
#ifdef CONTROL
  hours.reduce("all", [](std::string all, const std::string& line) { return all + line; });
#else
  hours.reduce("all", [](std::size_t n, const std::string& line) { return n + line.size(); });
#endif
}
