// expect: millrace: this callable must take (const V&) or (const K&, const V&), with the stream's
//         own K and V
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.group_by("by-line", [](const std::string& line) { return line; }).count("counts");
#else
  in.group_by("by-line", [](std::int64_t line) { return line; }).count("counts");
#endif
}
