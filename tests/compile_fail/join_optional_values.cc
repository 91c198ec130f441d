// expect: millrace: values of std::optional cannot be grouped or joined: drop_tombstones(), or
// map_values() them to something, or to_table()
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
  const auto users = builder.table<std::string, std::string>("users");
  builder
      .stream<std::string, std::optional<std::string>>("orders")
#ifdef CONTROL
      .drop_tombstones()
#endif
      .join(users,
            [](const auto& order, const std::string& user) {
              return std::string(order == user ? "own" : "other");
            })
      .to("named-orders");
}
