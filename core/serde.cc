#include "millrace/serde.h"

#include <string>

namespace millrace {

namespace {

[[noreturn]] void refuse_size(const char* what, std::size_t expected, std::size_t actual) {
  throw SerdeError(std::string("millrace: a ") + what + " takes " + std::to_string(expected) +
                   (expected == 1 ? " byte" : " bytes") + ", not " + std::to_string(actual));
}

}  // namespace

namespace detail {

void append_big_endian(std::uint64_t value, int width, Bytes& out) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i) & 0xff);
  out.append(bytes + (8 - width), static_cast<std::size_t>(width));
}

std::uint64_t read_big_endian(BytesView in, int width, const char* what) {
  const auto expected = static_cast<std::size_t>(width);
  if (in.size() != expected) refuse_size(what, expected, in.size());
  std::uint64_t value = 0;
  for (const char c : in) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace detail

void Serde<bool>::deserialize(BytesView in, bool& value) const {
  if (in.size() != 1) refuse_size("boolean", 1, in.size());
  // Java's deserializer refuses every other byte, too.
  if (in[0] != '\0' && in[0] != '\1') {
    throw SerdeError("millrace: the byte of a boolean must be 0 or 1");
  }
  value = in[0] == '\1';
}

}  // namespace millrace
