// expect: millrace: this callable must take (const V&) or (const K&, const V&), with the stream's
//         own K and V
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.map_values([](const std::string& line) { return line.size() * 1.0; }).to("out");
#else
  in.map_values([](int line) { return line * 1.0; }).to("out");
#endif
}
