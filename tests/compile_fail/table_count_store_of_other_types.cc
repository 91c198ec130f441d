// expect: millrace: this store name is declared for another kind of store, or for other key or
// value types
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
constexpr KeyValueStoreName<std::string, std::int64_t> kCounts("counts");
#else
constexpr KeyValueStoreName<std::string, std::int32_t> kCounts("counts");
#endif

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("names")
      .group_by("names-by-name",
                [](const std::string& user, const std::string& name) {
                  return KeyValue{name, user};
                })
      .count(kCounts);
}
