// expect: millrace: the predicate must return bool
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.filter([](const std::string& line) { return !line.empty(); }).to("out");
#else
  in.filter([](const std::string& line) { return line; }).to("out");
#endif
}
