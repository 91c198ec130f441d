#include "millrace/bytes.h"

#include <stdexcept>

namespace millrace {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

unsigned digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  throw std::invalid_argument("millrace: from_hex(): not a hexadecimal digit");
}

}  // namespace

std::string to_hex(BytesView bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kHexDigits[byte >> 4]);
    hex.push_back(kHexDigits[byte & 0xf]);
  }
  return hex;
}

Bytes from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) {
    throw std::invalid_argument("millrace: from_hex(): an odd number of digits");
  }
  Bytes bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(digit_of(hex[i]) << 4 | digit_of(hex[i + 1])));
  }
  return bytes;
}

}  // namespace millrace
