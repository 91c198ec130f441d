#include "log/record_size.h"

#include <bit>

namespace millrace::log {

namespace {

std::int64_t varint_size(std::int64_t value) {
  const auto zigzag =
      static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
  return (std::bit_width(zigzag | 1) + 6) / 7;
}

std::int64_t payload_size(OptionalBytesView payload) {
  if (!payload) return varint_size(-1);
  const auto size = static_cast<std::int64_t>(payload->size());
  return varint_size(size) + size;
}

}  // namespace

std::int64_t batch_size(const OutgoingRecord& record) {
  constexpr std::int64_t kBatchHeader = 61;
  std::int64_t body = 3;  // attributes, and a delta of 0 for time and for offset
  body += payload_size(record.key) + payload_size(record.value);
  body += varint_size(static_cast<std::int64_t>(record.headers->size()));
  for (const Header& header : *record.headers) {
    body += payload_size(header.name) + payload_size(header.value);
  }
  return kBatchHeader + varint_size(body) + body;
}

}  // namespace millrace::log
