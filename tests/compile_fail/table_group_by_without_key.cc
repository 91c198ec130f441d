// expect: millrace: choose a key first with group_by(), select_key() or map()
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
using Country = std::string;
#else
using Country = std::optional<std::string>;
#endif

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("countries-of-users")
      .group_by("users-by-country",
                [](const std::string& user, const std::string& country) {
                  return KeyValue{Country(country), user};
                })
      .count("users-per-country");
}
