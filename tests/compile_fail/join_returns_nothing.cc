// expect: millrace: what the joiner returns is the new value: return it
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  const auto users = builder.table<std::string, std::string>("users");
  builder.stream<std::string, std::string>("orders")
      .join(users,
            [](const std::string& order, const std::string& user) {
#ifdef CONTROL
              return order + user;
#else
              static_cast<void>(order + user);
#endif
            })
      .to("named-orders");
}
