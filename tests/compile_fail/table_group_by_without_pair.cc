// expect: millrace: map() needs both sides: return KeyValue{key, value}
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::string>("countries-of-users")
      .group_by("users-by-country",
                [](const std::string& user, const std::string& country) {
#ifdef CONTROL
                  return KeyValue{country, user};
#else
                  return country + user;
#endif
                })
      .count("users-per-country");
}
