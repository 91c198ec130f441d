// expect: millrace: this stream holds tombstones, the topic does not: drop_tombstones(), or
//         declare the topic with std::optional
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::optional<std::string>>("in");
#ifdef CONTROL
  in.to(millrace::Topic<std::string, std::optional<std::string>>("out"));
#else
  in.to(millrace::Topic<std::string, std::string>("out"));
#endif
}
