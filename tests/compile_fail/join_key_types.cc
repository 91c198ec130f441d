// expect: millrace: both sides of a join need the same key type: select_key() and repartition(), or
// a foreign-key or global-table join
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
using UserId = std::int64_t;
#else
using UserId = std::string;
#endif

void topology(StreamsBuilder& builder) {
  const auto users = builder.table<UserId, std::string>("users");
  builder.stream<std::int64_t, std::string>("orders")
      .join(users, [](const std::string& order, const std::string& user) { return order + user; })
      .to("named-orders");
}
