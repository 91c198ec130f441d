// CRC-32C (Castagnoli; RFC 3720 B.4), the checksum of everything in the journal. By the processor's own
// instruction where it has one, else by tables.
//
//   crc32c("123456789") == 0xe3069283
//   crc32c(b, crc32c(a)) == crc32c(a + b)
#pragma once

#include <cstdint>

#include "millrace/bytes.h"

namespace millrace::log::journal {

std::uint32_t crc32c(BytesView bytes, std::uint32_t before = 0);

// By tables only: what crc32c() does on a processor without the instruction. For tests.
std::uint32_t crc32c_by_tables(BytesView bytes, std::uint32_t before = 0);

}  // namespace millrace::log::journal
