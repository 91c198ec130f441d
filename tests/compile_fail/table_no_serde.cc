// expect: millrace: no serde for this type: include millrace/serde_json.h, specialise
// millrace::Serde<T>, or name a serde here
#include <millrace/dsl.h>

#include <string>

using namespace millrace;

struct User {
  std::string name;
};

#ifdef CONTROL
template <>
struct millrace::Serde<User> {
  void serialize(const User& user, Bytes& out) { out.append(user.name); }
  void deserialize(BytesView in, User& user) { user.name = in; }
};
#endif

void topology(StreamsBuilder& builder) {
  builder.table<std::string, User>("users").map_values(&User::name).to_stream().to("names");
}
