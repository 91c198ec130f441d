#include "millrace/detail/encoding.h"

#include <array>

#include "millrace/detail/assert.h"

namespace millrace::detail {

std::optional<BytesView> read_bytes(BytesView& in, std::int64_t size) {
  if (size < 0 || static_cast<std::uint64_t>(size) > in.size()) return std::nullopt;
  const BytesView bytes = in.substr(0, static_cast<std::size_t>(size));
  in.remove_prefix(bytes.size());
  return bytes;
}

void append_sized(OptionalBytesView bytes, Bytes& out) {
  if (!bytes) {
    append_int(std::int32_t{-1}, out);
    return;
  }
  MILLRACE_ASSERT(bytes->size() <= 0x7fffffff, "a length does not fit its four bytes");
  append_int(static_cast<std::int32_t>(bytes->size()), out);
  out.append(*bytes);
}

std::optional<OptionalBytesView> read_sized(BytesView& in) {
  BytesView rest = in;
  const auto size = read_int<std::int32_t>(rest);
  if (!size) return std::nullopt;
  OptionalBytesView bytes;
  if (*size != -1) {
    bytes = read_bytes(rest, *size);
    if (!bytes) return std::nullopt;
  }
  in = rest;
  return bytes;
}

void append_varint(std::int32_t value, Bytes& out) {
  // Zig-zag: 0, -1, 1, -2, ... become 0, 1, 2, 3, ..., so that small negatives stay short.
  auto bits = static_cast<std::uint32_t>(value) << 1 ^ static_cast<std::uint32_t>(value >> 31);
  while (bits > 0x7f) {
    out.push_back(static_cast<char>((bits & 0x7f) | 0x80));
    bits >>= 7;
  }
  out.push_back(static_cast<char>(bits));
}

std::optional<std::int32_t> read_varint(BytesView& in) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 5 && i < in.size(); ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    // The fifth byte holds the last 4 of 32 bits; anything above them, or a sixth byte, is no
    // varint of ours.
    if (i == 4 && byte > 0x0f) return std::nullopt;
    bits |= static_cast<std::uint32_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      in.remove_prefix(i + 1);
      return static_cast<std::int32_t>(bits >> 1 ^ (0u - (bits & 1)));
    }
  }
  return std::nullopt;
}

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr unsigned char kNoDigit = 0xff;

constexpr auto kDigits = [] {
  std::array<unsigned char, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<unsigned char>(i);
  }
  return digits;
}();

}  // namespace

std::string encode_base64(BytesView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const BytesView group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0u);
    }
    // n bytes fill n + 1 digits.
    for (std::size_t j = 0; j < 4; ++j) {
      text.push_back(j <= group.size() ? kAlphabet[bits >> (18 - 6 * j) & 0x3f] : '=');
    }
  }
  return text;
}

std::optional<Bytes> decode_base64(std::string_view text) {
  // Padding is there to make four characters of the last group, or is not there at all.
  const std::string_view padded = text;
  while (!text.empty() && text.back() == '=' && padded.size() - text.size() < 2) {
    text.remove_suffix(1);
  }
  if (text.size() != padded.size() && padded.size() % 4 != 0) return std::nullopt;
  if (text.size() % 4 == 1) return std::nullopt;

  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int pending = 0;
  for (const char c : text) {
    const unsigned char digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return std::nullopt;
    bits = bits << 6 | digit;
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      bytes.push_back(static_cast<char>(bits >> pending & 0xff));
    }
  }
  return bytes;
}

}  // namespace millrace::detail
