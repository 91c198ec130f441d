// A key as 16 bytes, so that a table of many millions of keys of any length has a size that is known.
//
// SHA-1 (RFC 3174), cut to 122 bits as RFC 4122 does for names (Boost.Uuid's name_generator_sha1). Keys
// of equal digest would be taken for one, and the older record be lost: among a billion keys the chance
// that any two meet is 1 in 10^19; and nobody is known to be able to make a key that meets a given one.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "millrace/bytes.h"

namespace millrace::log::journal {

struct KeyDigest {
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(const KeyDigest&, const KeyDigest&) = default;
};

KeyDigest digest_of(BytesView key);

// Every bit of a digest is as good as any other.
struct KeyDigestHash {
  using is_avalanching = void;
  std::size_t operator()(const KeyDigest& digest) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.bytes.data(), sizeof hash);
    return hash;
  }
};

}  // namespace millrace::log::journal
