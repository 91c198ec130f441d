// expect: millrace: keys and values must own their data: use std::string instead of a view or a
// pointer
#include <millrace/serde.h>
#include <millrace/topic.h>

#include <string>
#include <string_view>

template <>
struct millrace::Serde<std::string_view> {
  void serialize(std::string_view value, Bytes& out) { out.append(value); }
  void deserialize(BytesView in, std::string_view& value) { value = in; }
};

#ifdef CONTROL
millrace::Topic<std::string, std::string> topic("lines");
#else
millrace::Topic<std::string, std::string_view> topic("lines");
#endif
