// expect: millrace: keys and values must own their data: return std::string instead of a view or a
//         pointer
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.map_values([](const std::string& line) { return line.substr(0, 3); }).to("out");
#else
  in.map_values([](const std::string& line) {
      return std::string_view(line).substr(0, 3);
    }).to("out");
#endif
}
