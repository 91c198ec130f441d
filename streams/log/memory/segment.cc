#include "log/memory/segment.h"

#include <algorithm>
#include <cstring>

namespace millrace::log::memory {

namespace {
// Chunks grow, because a driver has hundreds of partitions with three records each.
constexpr std::size_t kFirstChunk = 512;
constexpr std::size_t kLargestChunk = std::size_t{128} << 10;
}  // namespace

void Segment::append(Offset offset, Timestamp timestamp, OptionalBytesView key,
                     OptionalBytesView value, const Headers& headers,
                     TransactionNumber transaction) {
  const std::size_t key_size = key ? key->size() : 0;
  const std::size_t value_size = value ? value->size() : 0;
  char* bytes = take(key_size + value_size);
  if (key_size > 0) std::memcpy(bytes, key->data(), key_size);
  if (value_size > 0) std::memcpy(bytes + key_size, value->data(), value_size);
  const Headers* kept = &Headers::none();
  if (!headers.empty()) kept = &headers_.emplace_back(headers);
  entries_.push_back({.offset = offset.value(),
                      .timestamp = to_ms(timestamp),
                      .bytes = bytes,
                      .headers = kept,
                      .key_size = key ? static_cast<std::int32_t>(key_size) : -1,
                      .value_size = value ? static_cast<std::int32_t>(value_size) : -1,
                      .transaction = transaction});
}

std::size_t Segment::find(Offset offset) const {
  const auto at = std::ranges::lower_bound(entries_, offset.value(), {}, &Entry::offset);
  return static_cast<std::size_t>(at - entries_.begin());
}

char* Segment::take(std::size_t bytes) {
  if (bytes > left_ || free_ == nullptr) {
    const std::size_t grown = std::clamp(bytes_, kFirstChunk, kLargestChunk);
    left_ = std::max(bytes, grown);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    free_ = chunks_.back().get();
  }
  char* taken = free_;
  free_ += bytes;
  left_ -= bytes;
  bytes_ += bytes;
  return taken;
}

}  // namespace millrace::log::memory
