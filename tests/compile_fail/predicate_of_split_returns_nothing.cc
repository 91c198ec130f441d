// expect: millrace: the predicate must return bool
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.split([](const std::string& line) { return line.empty(); })[0].to("out");
#else
  in.split([](const std::string&) {})[0].to("out");
#endif
}
