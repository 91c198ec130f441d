// expect: millrace: values of std::optional cannot be grouped or joined: drop_tombstones(), or
//         map_values() them to something, or to_table()
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::optional<std::string>>("in");
#ifdef CONTROL
  in.drop_tombstones()
      .group_by("by-line", [](const std::string& line) { return line; })
      .count("counts");
#else
  in.group_by("by-line", [](const std::string& key, const auto&) { return key; }).count("counts");
#endif
}
