// expect: millrace: take the aggregate by value and return it: (const V& value, A aggregate)
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto groups = builder.stream<std::string, std::string>("in").group_by_key();
#ifdef CONTROL
  groups.aggregate("sizes", std::int64_t{0},
                   [](const std::string& line, std::int64_t n) { return n + std::ssize(line); });
#else
  groups.aggregate("sizes", std::int64_t{0},
                   [](const std::string& line, std::int64_t& n) { n += std::ssize(line); });
#endif
}
