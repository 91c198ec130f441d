// expect: millrace: this store name is declared for another kind of store, or for other key or
// value types
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

constexpr KeyValueStoreName<std::string, std::string> kLengths("lengths");

void topology(StreamsBuilder& builder) {
  builder
      .table<std::string, std::string>("users")
#ifdef CONTROL
      .map_values(kLengths, [](const std::string& name) { return std::to_string(name.size()); })
#else
      .map_values(kLengths, [](const std::string& name) { return name.size(); })
#endif
      .to_stream()
      .to("lengths");
}
