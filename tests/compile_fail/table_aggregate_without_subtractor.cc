// expect: millrace: rows leave groups, too: after the function that adds a value comes the one that
// subtracts it
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  builder.table<std::string, std::int64_t>("stock")
      .group_by("stock-by-shelf",
                [](const std::string& article, std::int64_t n) {
                  return KeyValue{article, n};
                })
      .aggregate(
          "stock-of-shelf", std::int64_t{}, [](std::int64_t n, std::int64_t sum) { return sum + n; }
#ifdef CONTROL
          ,
          [](std::int64_t n, std::int64_t sum) { return sum - n; }
#endif
      );
}
