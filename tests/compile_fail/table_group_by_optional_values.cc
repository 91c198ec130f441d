// expect: millrace: values of std::optional cannot be grouped or joined: drop_tombstones(), or
// map_values() them to something, or to_table()
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
using User = std::string;
#else
using User = std::optional<std::string>;
#endif

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("countries-of-users")
      .group_by("users-by-country",
                [](const std::string& user, const std::string& country) {
                  return KeyValue{country, User(user)};
                })
      .count("users-per-country");
}
