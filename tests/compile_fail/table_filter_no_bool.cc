// expect: millrace: the predicate must return bool
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  builder
      .table<std::string, std::string>("users")
#ifdef CONTROL
      .filter([](const std::string& name) { return !name.empty(); })
#else
      .filter([](const std::string& name) { return name; })
#endif
      .to_stream()
      .to("names");
}
