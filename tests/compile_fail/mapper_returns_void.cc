// expect: millrace: the result is the new value: return it, or use peek() or for_each()
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.map_values([](const std::string& line) { return line + "!"; }).to("out");
#else
  in.map_values([](const std::string& line) { static_cast<void>(line + "!"); }).to("out");
#endif
}
