// expect: millrace: keys and values must own their data: return std::string instead of a view or a
//         pointer
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.select_key([](const std::string& line) { return line; }).to("out");
#else
  in.select_key([](const std::string& line) { return line.c_str(); }).to("out");
#endif
}
