#include "millrace/serde.h"

#include <string>

#include "millrace/detail/encoding.h"

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
  store_int(value << (64 - 8 * width), bytes);
  out.append(bytes, static_cast<std::size_t>(width));
}

std::uint64_t read_big_endian(BytesView in, int width, const char* what) {
  const auto expected = static_cast<std::size_t>(width);
  if (in.size() != expected) refuse_size(what, expected, in.size());
  char bytes[8] = {};
  in.copy(bytes, expected);
  return load_int<std::uint64_t>(bytes) >> (64 - 8 * width);
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
