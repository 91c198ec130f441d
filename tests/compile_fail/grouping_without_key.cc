// expect: millrace: choose a key first with group_by(), select_key() or map()
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<millrace::NoKey, std::string>("in");
#ifdef CONTROL
  in.group_by("by-line", [](const std::string& line) { return line; }).count("counts");
#else
  in.group_by_key().count("counts");
#endif
}
