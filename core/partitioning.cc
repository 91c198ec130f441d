#include "millrace/partitioning.h"

#include <stdexcept>

#include "millrace/detail/murmur2.h"

namespace millrace {

namespace detail {

std::int32_t murmur2(BytesView bytes) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };

  std::uint32_t hash = 0x9747b28c ^ static_cast<std::uint32_t>(bytes.size());
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    // Four bytes in little-endian order on every machine.
    std::uint32_t word = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  if (i < bytes.size()) {
    for (std::size_t j = bytes.size(); j > i; --j) hash ^= byte(j - 1) << (8 * (j - 1 - i));
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<std::int32_t>(hash);
}

}  // namespace detail

Partition partition_for_key(BytesView key, std::int32_t partitions) {
  if (partitions <= 0) {
    throw std::invalid_argument(
        "millrace: partition_for_key(): a topic has at least one partition");
  }
  return Partition((detail::murmur2(key) & 0x7fffffff) % partitions);
}

}  // namespace millrace
