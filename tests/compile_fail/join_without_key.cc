// expect: millrace: choose a key first with group_by(), select_key() or map()
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  const auto users = builder.table<std::string, std::string>("users");
  builder
      .stream<NoKey, std::string>("orders")
#ifdef CONTROL
      .select_key([](const std::string& order) { return order; })
      .repartition("orders-by-user")
#endif
      .join(users, [](const std::string& order, const std::string& user) { return order + user; })
      .to("named-orders");
}
