// expect: millrace: this callable must take (const V&) or (const K&, const V&), with the stream's
//         own K and V
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.filter([](const std::string& key, const std::string& line) { return key == line; }).to("out");
#else
  in.filter([](const std::string& key, int line) { return key.size() > 1 && line > 0; }).to("out");
#endif
}
