// expect: millrace: flat_map_values() needs a range of the new values: return a std::vector
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.flat_map_values([](const std::string& line) { return std::vector{line}; }).to("out");
#else
  in.flat_map_values([](const std::string& line) { return line.size() * 1.0; }).to("out");
#endif
}
