// expect: millrace: keys and values must own their data: begin with a std::string instead of a
//         view or a pointer
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
#ifdef CONTROL
  groups.aggregate("all", std::string(),
                   [](const std::string& line, std::string all) { return all + line; });
#else
  groups.aggregate("all", "", [](const std::string& line, std::string all) { return all + line; });
#endif
}
