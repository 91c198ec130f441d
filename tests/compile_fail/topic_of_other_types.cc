// expect: millrace: this topic is declared with other types than the stream's
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.to(millrace::Topic<std::string, std::string>("out"));
#else
  in.to(millrace::Topic<std::string, double>("out"));
#endif
}
