// expect: millrace: this joiner must take (const V1&, const V2&) or (const K&, const V1&, const
// V2&), with the key and the two values of the joined sides
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  const auto ages = builder.table<std::string, std::int64_t>("ages");
  builder
      .stream<std::string, std::string>("orders")
#ifdef CONTROL
      .join(ages,
            [](const std::string& order, std::int64_t age) { return order + std::to_string(age); })
#else
      .join(ages, [](const std::string& order, const std::string& age) { return order + age; })
#endif
      .to("orders-with-age");
}
