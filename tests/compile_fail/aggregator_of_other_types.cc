// expect: millrace: an aggregator must take (const V& value, A aggregate) or (const K&, const V&,
//         A), with A the type of the initial value
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
  groups.aggregate("sizes", std::int64_t{0}, [](std::int64_t n) { return n; });
#endif
}
