// expect: millrace: map() needs both sides: return KeyValue{key, value}
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.map([](const std::string& line) { return millrace::KeyValue{line, line}; }).to("out");
#else
  in.map([](const std::string& line) { return std::pair{line, line}; }).to("out");
#endif
}
