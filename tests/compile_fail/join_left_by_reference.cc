// expect: millrace: the right side of a left join may be absent: take const V2*
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

#ifdef CONTROL
std::string with_user(const std::string& order, const std::string* user) {
  return order + (user ? *user : "(deleted)");
}
#else
std::string with_user(const std::string& order, const std::string& user) { return order + user; }
#endif

void topology(StreamsBuilder& builder) {
  const auto users = builder.table<std::string, std::string>("users");
  builder.stream<std::string, std::string>("orders").left_join(users, with_user).to("named-orders");
}
