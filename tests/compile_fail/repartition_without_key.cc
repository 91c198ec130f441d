// expect: millrace: choose a key first with group_by(), select_key() or map()
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<millrace::NoKey, std::string>("in");
#ifdef CONTROL
  in.select_key([](const std::string& line) { return line; }).repartition("again").to("out");
#else
  in.repartition("again").to("out");
#endif
}
