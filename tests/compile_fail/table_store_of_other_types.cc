// expect: millrace: this store name is declared for another kind of store, or for other key or
// value types
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
constexpr KeyValueStoreName<std::string, std::string> kKnown("known");
#else
constexpr KeyValueStoreName<std::string, std::int64_t> kKnown("known");
#endif

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("users")
      .filter(kKnown, [](const std::string& name) { return !name.empty(); })
      .to_stream()
      .to("names");
}
