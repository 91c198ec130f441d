// A fast 64-bit hash of bytes for indexes in memory: multiply and fold, 16 bytes a step. Not
// frozen and never stored: what is stored or decides a partition uses murmur2.h.
#pragma once

#include <cstdint>
#include <cstring>

#include "millrace/bytes.h"

namespace millrace::detail {

inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Every bit of the result depends on every bit of the input, so that an index may take any of
// them. Another seed gives another hash.
inline std::uint64_t hash_bytes(BytesView bytes, std::uint64_t seed = 0) {
  // Odd, with about half their bits set: the fractional digits of pi. The seed goes into both,
  // because whoever knows them can make keys that fold to zero.
  const std::uint64_t first = 0x243f6a8885a308d3 ^ seed;
  const std::uint64_t second = 0x13198a2e03707345 ^ (seed << 32 | seed >> 32);
  const auto word = [](const char* from) {
    std::uint64_t w;
    std::memcpy(&w, from, sizeof w);
    return w;
  };

  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t hash = fold_multiply(first, left ^ second);
  for (; left > 16; at += 16, left -= 16) {
    hash = fold_multiply(word(at) ^ first, word(at + 8) ^ hash);
  }
  // The last 16 bytes or fewer, as two words that overlap or are filled with zeros. The length is
  // in the hash already, so filling makes no two inputs equal.
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (left >= 8) {
    low = word(at);
    high = word(at + left - 8);
  } else if (left > 0) {
    std::memcpy(&low, at, left);
  }
  return fold_multiply(second ^ bytes.size(), fold_multiply(low ^ second, high ^ hash));
}

}  // namespace millrace::detail
