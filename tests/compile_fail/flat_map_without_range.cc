// expect: millrace: flat_map() needs a range of KeyValue{key, value}: return a std::vector of them
#include <millrace/dsl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
#ifdef CONTROL
  in.flat_map([](const std::string& line) {
      return std::vector{millrace::KeyValue{line, line}};
    }).to("out");
#else
  in.flat_map([](const std::string& line) { return millrace::KeyValue{line, line}; }).to("out");
#endif
}
