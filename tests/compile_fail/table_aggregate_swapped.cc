// expect: millrace: an aggregator takes (const V& value, A aggregate): the value comes first
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("names")
      .group_by("names-by-name",
                [](const std::string&, const std::string& name) {
                  return KeyValue{name, name};
                })
      .aggregate(
          "lengths", std::int64_t{},
          [](const std::string& name, std::int64_t sum) {
            return sum + static_cast<std::int64_t>(name.size());
          },
#ifdef CONTROL
          [](const std::string& name, std::int64_t sum) {
#else
          [](std::int64_t sum, const std::string& name) {
#endif
            return sum - static_cast<std::int64_t>(name.size());
          });
}
