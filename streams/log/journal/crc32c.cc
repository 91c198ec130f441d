#include "log/journal/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace millrace::log::journal {

namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // bits reversed

using Table = std::array<std::uint32_t, 256>;

// kTables[n][b]: what the byte b, followed by n zero bytes, adds to a checksum.
constexpr auto kTables = [] {
  std::array<Table, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t n = 1; n < tables.size(); ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[n - 1][byte];
      tables[n][byte] = crc >> 8 ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}();

std::uint64_t load_little_endian(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof(word));
  return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

// Works on the inverted checksum, as the instruction does.
std::uint32_t by_tables(std::uint32_t crc, const char* at, std::size_t size) {
  for (; size >= 8; at += 8, size -= 8) {
    const std::uint64_t word = load_little_endian(at) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][word >> (8 * i) & 0xff];
  }
  for (; size > 0; ++at, --size) {
    crc = crc >> 8 ^ kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xff];
  }
  return crc;
}

#if defined(__x86_64__)

// What `zeros` zero bytes make of a checksum. That is linear over its bits, so that four tables hold
// it.
template <std::size_t zeros>
constexpr auto kShift = [] {
  std::array<std::uint32_t, 32> of_bit{};
  for (std::size_t bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = std::uint32_t{1} << bit;
    for (std::size_t i = 0; i < zeros; ++i) crc = crc >> 8 ^ kTables[0][crc & 0xff];
    of_bit[bit] = crc;
  }
  std::array<Table, 4> tables{};
  for (std::size_t place = 0; place < 4; ++place) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      std::uint32_t sum = 0;
      for (std::size_t bit = 0; bit < 8; ++bit) {
        if (byte >> bit & 1) sum ^= of_bit[8 * place + bit];
      }
      tables[place][byte] = sum;
    }
  }
  return tables;
}();

template <std::size_t zeros>
std::uint32_t shift(std::uint32_t crc) {
  const auto& tables = kShift<zeros>;
  return tables[0][crc & 0xff] ^ tables[1][crc >> 8 & 0xff] ^ tables[2][crc >> 16 & 0xff] ^
         tables[3][crc >> 24];
}

// The instruction takes three cycles and can begin every cycle: three lanes keep it busy.
template <std::size_t lane>
__attribute__((target("sse4.2"))) void three_lanes(std::uint32_t& crc, const char*& at,
                                                   std::size_t& size) {
  for (; size >= 3 * lane; at += 3 * lane, size -= 3 * lane) {
    std::uint64_t a = crc;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    for (std::size_t i = 0; i < lane; i += 8) {
      a = _mm_crc32_u64(a, load_little_endian(at + i));
      b = _mm_crc32_u64(b, load_little_endian(at + lane + i));
      c = _mm_crc32_u64(c, load_little_endian(at + 2 * lane + i));
    }
    crc = shift<lane>(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b);
    crc = shift<lane>(crc) ^ static_cast<std::uint32_t>(c);
  }
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const char* at,
                                                               std::size_t size) {
  three_lanes<1024>(crc, at, size);
  three_lanes<128>(crc, at, size);
  std::uint64_t wide = crc;
  for (; size >= 8; at += 8, size -= 8) wide = _mm_crc32_u64(wide, load_little_endian(at));
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++at, --size) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
  return crc;
}

std::uint32_t update(std::uint32_t crc, const char* at, std::size_t size) {
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  return has_instruction ? by_instruction(crc, at, size) : by_tables(crc, at, size);
}

#else

std::uint32_t update(std::uint32_t crc, const char* at, std::size_t size) {
  return by_tables(crc, at, size);
}

#endif

}  // namespace

std::uint32_t crc32c(BytesView bytes, std::uint32_t before) {
  return ~update(~before, bytes.data(), bytes.size());
}

std::uint32_t crc32c_by_tables(BytesView bytes, std::uint32_t before) {
  return ~by_tables(~before, bytes.data(), bytes.size());
}

}  // namespace millrace::log::journal
