// The bytes that millrace itself writes around a user's bytes: integers, lengths and Base64, as
// Kafka and Kafka Streams write them (SEMANTICS §3.4 to §3.8). Frozen: what is written here is
// stored in topics and on disks.
//
//   append_int(std::int64_t{start}, key);              // 8 bytes, big-endian
//   std::optional<std::int32_t> count = read_int<std::int32_t>(in);    // takes 4 bytes off `in`
//
// Readers take what they read off the front of `in`. Where the bytes do not suffice or cannot be
// what a writer wrote, they answer nullopt and leave `in` as it was: the caller knows what is
// broken and says so.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/bytes.h"

namespace millrace::detail {

// --- integers, big-endian, two's complement ----------------------------------------------------

// The 8 bytes of `value` in memory are its big-endian form. (A loop over the bytes is not turned
// into one instruction by g++ 12.)
constexpr std::uint64_t big_endian(std::uint64_t value) {
  return std::endian::native == std::endian::big ? value : __builtin_bswap64(value);
}

// Effect: writes sizeof(T) bytes to `to`.
template <std::integral T>
void store_int(T value, char* to) {
  const auto bits = static_cast<std::uint64_t>(value) << (64 - 8 * sizeof(T));
  const std::uint64_t bytes = big_endian(bits);
  std::memcpy(to, &bytes, sizeof(T));
}

// REQUIRES: sizeof(T) readable bytes at `from`.
template <std::integral T>
T load_int(const char* from) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, from, sizeof(T));
  return static_cast<T>(big_endian(bytes) >> (64 - 8 * sizeof(T)));
}

template <std::integral T>
void append_int(T value, Bytes& out) {
  char bytes[sizeof(T)];
  store_int(value, bytes);
  out.append(bytes, sizeof(T));
}

template <std::integral T>
std::optional<T> read_int(BytesView& in) {
  if (in.size() < sizeof(T)) return std::nullopt;
  const T value = load_int<T>(in.data());
  in.remove_prefix(sizeof(T));
  return value;
}

// --- byte strings behind their length ----------------------------------------------------------

// Effect: takes `size` bytes off the front. A negative size is never there.
std::optional<BytesView> read_bytes(BytesView& in, std::int64_t size);

// A 4-byte length, then the bytes; length -1 is null.
// REQUIRES: fewer than 2^31 bytes.
void append_sized(OptionalBytesView bytes, Bytes& out);

// The outer optional: whether it could be read; the inner one: null.
std::optional<OptionalBytesView> read_sized(BytesView& in);

// --- zig-zag varint, Kafka's: 7 bits a byte, lowest first, at most 5 bytes ----------------------

void append_varint(std::int32_t value, Bytes& out);
std::optional<std::int32_t> read_varint(BytesView& in);

// --- Base64 (RFC 4648, the alphabet with + and /) -----------------------------------------------

std::string encode_base64(BytesView bytes);  // padded with =

// Accepts what Java's decoder accepts: the padding may be left out, other characters may not be
// there.
std::optional<Bytes> decode_base64(std::string_view text);

}  // namespace millrace::detail
