// expect: millrace: a reducer must take (V aggregate, const V& value) and return V; for another
// type use aggregate()
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
using Sum = std::int64_t;
#else
using Sum = std::string;
#endif

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::int64_t>("stock")
      .group_by("stock-by-shelf",
                [](const std::string& article, std::int64_t n) {
                  return KeyValue{article, n};
                })
      .reduce(
          "stock-of-shelf", [](std::int64_t sum, std::int64_t n) { return sum + n; },
          [](Sum sum, std::int64_t) { return sum; });
}
