// expect: millrace: values are shared: take const V& and return the changed copy
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.map_values([](const std::string& line) { return line + "!"; }).to("out");
#else
  in.map_values([](std::string& line) { return line += "!"; }).to("out");
#endif
}
