// Integers of variable length inside the journal: 7 bits a byte, lowest first, at most 10 bytes;
// signed ones zig-zag. Readers take what they read off the front and answer false, with `in` in any
// state, where it is none.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "millrace/bytes.h"

namespace millrace::log::journal {

inline constexpr std::size_t kMaxVarint = 10;

// Effect: writes at most kMaxVarint bytes; returns behind them.
inline char* store_varint(std::uint64_t value, char* to) {
  while (value > 0x7f) {
    *to++ = static_cast<char>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

inline std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t bits) {
  return static_cast<std::int64_t>(bits >> 1 ^ (0 - (bits & 1)));
}

inline void append_varint(std::uint64_t value, Bytes& out) {
  char bytes[kMaxVarint];
  out.append(bytes, static_cast<std::size_t>(store_varint(value, bytes) - bytes));
}
inline void append_text(BytesView text, Bytes& out) {
  append_varint(text.size(), out);
  out.append(text);
}

inline bool read_varint(BytesView& in, std::uint64_t& value) {
  value = 0;
  for (std::size_t i = 0; i < in.size() && i < kMaxVarint; ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    if (i == kMaxVarint - 1 && byte > 1) return false;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}
// A number that the target holds and that is not negative.
template <class T>
bool read_number(BytesView& in, T& value) {
  std::uint64_t bits = 0;
  if (!read_varint(in, bits) || bits > 0x7fff'ffff'ffff'ffff) return false;
  value = static_cast<T>(bits);
  return value >= 0 && static_cast<std::uint64_t>(value) == bits;
}
inline bool read_text(BytesView& in, BytesView& text) {
  std::uint64_t size = 0;
  if (!read_varint(in, size) || size > in.size()) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

// A topic's configuration.
inline void append_config(const std::map<std::string, std::string>& config, Bytes& out) {
  append_varint(config.size(), out);
  for (const auto& [key, value] : config) {
    append_text(key, out);
    append_text(value, out);
  }
}
inline bool read_config(BytesView& in, std::map<std::string, std::string>& config) {
  std::uint64_t count = 0;
  if (!read_varint(in, count)) return false;
  for (; count > 0; --count) {
    BytesView key;
    BytesView value;
    if (!read_text(in, key) || !read_text(in, value)) return false;
    config.emplace(key, value);
  }
  return true;
}

}  // namespace millrace::log::journal
