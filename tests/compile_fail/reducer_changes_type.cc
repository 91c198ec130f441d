// expect: millrace: a reducer must take (V aggregate, const V& value) and return V; for another
//         type use aggregate()
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
#ifdef CONTROL
  groups.reduce("all", [](std::string all, const std::string& line) { return all + line; });
#else
  groups.reduce("all", [](std::size_t n, const std::string& line) { return n + line.size(); });
#endif
}
