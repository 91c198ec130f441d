#include "log/journal/frame.h"

#include <limits>

#include "log/journal/varint.h"
#include "millrace/detail/assert.h"

namespace millrace::log::journal {

namespace {

// A record: flags, varint (offset step), zig-zag varint (timestamp step), then what the flags say.
constexpr unsigned char kHasKey = 1;
constexpr unsigned char kHasValue = 2;
constexpr unsigned char kHasHeaders = 4;
constexpr unsigned char kAllFlags = kHasKey | kHasValue | kHasHeaders;

// Timestamps are subtracted as unsigned numbers: any two have a difference.
std::int64_t step(std::int64_t from, std::int64_t to) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(to) -
                                   static_cast<std::uint64_t>(from));
}

bool read_headers(BytesView& in, Headers& headers) {
  std::uint64_t count = 0;
  if (!read_varint(in, count) || count == 0 || count > in.size()) return false;
  for (; count > 0; --count) {
    BytesView name;
    std::uint64_t size = 0;  // and one more; 0: null
    if (!read_text(in, name) || !read_varint(in, size)) return false;
    OptionalBytes value;
    if (size > 0) {
      if (size - 1 > in.size()) return false;
      value.emplace(in.substr(0, size - 1));
      in.remove_prefix(size - 1);
    }
    headers.add(std::string(name), std::move(value));
  }
  return true;
}

}  // namespace

void RecordEncoder::add(std::int32_t delta, OptionalBytesView key, OptionalBytesView value,
                        Timestamp timestamp, const Headers& headers) {
  MILLRACE_ASSERT(delta > delta_, "offsets in a batch ascend");
  char head[1 + 4 * kMaxVarint];
  char* end = head;
  *end++ = static_cast<char>((key ? kHasKey : 0) | (value ? kHasValue : 0) |
                             (headers.empty() ? 0 : kHasHeaders));
  end = store_varint(static_cast<std::uint64_t>(std::int64_t{delta} - delta_ - 1), end);
  end = store_varint(zigzag(step(timestamp_, to_ms(timestamp))), end);
  if (key) end = store_varint(key->size(), end);
  if (value) end = store_varint(value->size(), end);
  bytes_.append(head, static_cast<std::size_t>(end - head));
  if (key) bytes_.append(*key);
  if (value) bytes_.append(*value);
  if (!headers.empty()) {
    append_varint(headers.size(), bytes_);
    for (const Header& header : headers) {
      append_text(header.name, bytes_);
      append_varint(header.value ? header.value->size() + 1 : 0, bytes_);
      if (header.value) bytes_.append(*header.value);
    }
  }
  max_timestamp_ = records_ == 0 ? timestamp : std::max(max_timestamp_, timestamp);
  delta_ = delta;
  timestamp_ = to_ms(timestamp);
  ++records_;
}

void RecordEncoder::clear() {
  bytes_.clear();
  delta_ = -1;
  timestamp_ = 0;
  records_ = 0;
  max_timestamp_ = kNoTimestamp;
}

bool RecordDecoder::next(RecordView& record) {
  if (rest_.empty() || damaged_) return false;
  damaged_ = true;  // until all of the record was read
  const auto flags = static_cast<unsigned char>(rest_.front());
  rest_.remove_prefix(1);
  std::uint64_t gap = 0;
  std::uint64_t time_step = 0;
  std::uint64_t key_size = 0;
  std::uint64_t value_size = 0;
  if ((flags & ~kAllFlags) != 0 || !read_varint(rest_, gap) || !read_varint(rest_, time_step) ||
      ((flags & kHasKey) != 0 && !read_varint(rest_, key_size)) ||
      ((flags & kHasValue) != 0 && !read_varint(rest_, value_size))) {
    return false;
  }
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  if (gap > kMost || std::int64_t{delta_} + 1 + static_cast<std::int64_t>(gap) >
                         std::numeric_limits<std::int32_t>::max()) {
    return false;
  }
  if (key_size > rest_.size() || value_size > rest_.size() - key_size) return false;
  record.key = std::nullopt;
  record.value = std::nullopt;
  if ((flags & kHasKey) != 0) record.key = rest_.substr(0, key_size);
  if ((flags & kHasValue) != 0) record.value = rest_.substr(key_size, value_size);
  rest_.remove_prefix(key_size + value_size);
  record.headers = &Headers::none();
  if ((flags & kHasHeaders) != 0) {
    headers_.clear();
    if (!read_headers(rest_, headers_)) return false;
    record.headers = &headers_;
  }
  delta_ += static_cast<std::int32_t>(gap) + 1;
  timestamp_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(timestamp_) +
                                         static_cast<std::uint64_t>(unzigzag(time_step)));
  record.offset = base_ + delta_;
  record.timestamp = from_ms(timestamp_);
  damaged_ = false;
  return true;
}

}  // namespace millrace::log::journal
