// expect: millrace: this callable must take (const V&) or (const K&, const V&), with the stream's
//         own K and V
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.for_each([](const std::string&) {});
#else
  in.for_each([](const std::optional<std::int64_t>&) {});
#endif
}
