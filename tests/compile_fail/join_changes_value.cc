// expect: millrace: values are shared: take const V& and return the joined value
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
using Order = const std::string;
#else
using Order = std::string;
#endif

void topology(StreamsBuilder& builder) {
  const auto users = builder.table<std::string, std::string>("users");
  builder.stream<std::string, std::string>("orders")
      .join(users, [](Order& order, const std::string& user) { return order + user; })
      .to("named-orders");
}
