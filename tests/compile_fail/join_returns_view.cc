// expect: millrace: keys and values must own their data: return std::string instead of a view or a
// pointer
#include <millrace/dsl.h>

#include <string>
#include <string_view>

using namespace millrace;

#ifdef CONTROL
using UserName = std::string;
#else
using UserName = std::string_view;
#endif

void topology(StreamsBuilder& builder) {
  const auto users = builder.table<std::string, std::string>("users");
  builder.stream<std::string, std::string>("orders")
      .join(users, [](const std::string&, const std::string& user) { return UserName(user); })
      .to("names");
}
