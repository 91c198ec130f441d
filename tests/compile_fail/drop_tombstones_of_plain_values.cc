// expect: millrace: drop_tombstones() is for streams of std::optional; these values are never
//         missing
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
  const auto optional = builder.stream<std::string, std::optional<std::string>>("other");
#ifdef CONTROL
  optional.drop_tombstones().to("out");
#else
  in.drop_tombstones().to("out");
#endif
}
