// expect: millrace: each task gets its own copy of this callable: capture a std::shared_ptr instead
// of a std::unique_ptr
#include <millrace/dsl.h>

#include <memory>
#include <string>

using namespace millrace;

void topology(StreamsBuilder& builder) {
#ifdef CONTROL
  auto prefix = std::make_shared<std::string>("order ");
#else
  auto prefix = std::make_unique<std::string>("order ");
#endif
  const auto users = builder.table<std::string, std::string>("users");
  builder.stream<std::string, std::string>("orders")
      .join(users,
            [prefix = std::move(prefix)](const std::string& order, const std::string& user) {
              return *prefix + order + user;
            })
      .to("named-orders");
}
