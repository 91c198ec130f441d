// expect: millrace: each task gets its own copy of this callable: capture a std::shared_ptr
//         instead of a std::unique_ptr
#include <millrace/dsl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

void topology(millrace::StreamsBuilder& builder) {
  const auto in = builder.stream<std::string, std::string>("in");
  auto limit = std::make_unique<std::size_t>(5);
  auto shared = std::make_shared<std::size_t>(5);
#ifdef CONTROL
  in.filter([shared](const std::string& line) { return line.size() < *shared; }).to("out");
#else
  in.filter([limit = std::move(limit)](const std::string& line) {
      return line.size() < *limit;
    }).to("out");
#endif
}
