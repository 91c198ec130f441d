// expect: millrace: this joiner must take (const V1&, const V2*) or (const K&, const V1&, const
// V2*), with the key and the two values of the joined sides
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
using Age = std::int64_t;
#else
using Age = std::string;
#endif

void topology(StreamsBuilder& builder) {
  const auto ages = builder.table<std::string, std::int64_t>("ages");
  builder.stream<std::string, std::string>("orders")
      .left_join(ages, [](const std::string& order, const Age* age) { return age ? order : ""; })
      .to("orders-of-the-known");
}
