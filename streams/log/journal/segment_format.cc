#include "log/journal/segment_format.h"

#include <algorithm>

#include "log/journal/crc32c.h"
#include "log/journal/varint.h"
#include "millrace/detail/encoding.h"

namespace millrace::log::journal {

namespace {

using detail::load_int;
using detail::store_int;

constexpr BytesView kSegmentMagic = "millrace";
constexpr std::uint32_t kPageMagic = 0x4d52'5031;     // "MRP1"
constexpr std::uint32_t kPagesMagic = 0x4d52'5431;    // "MRT1"
constexpr std::uint32_t kTrailerMagic = 0x4d52'4531;  // "MRE1"
constexpr std::size_t kPageHeadSize = 20;

std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }
std::int64_t number(std::uint64_t bits) { return static_cast<std::int64_t>(bits); }

void append_page(PartitionKey where, const BatchEntry* from, const BatchEntry* to, Bytes& out) {
  const std::size_t at = out.size();
  out.append(kPageHeadSize, '\0');
  BatchEntry last;
  for (const BatchEntry* entry = from; entry != to; last = *entry++) {
    append_varint(bits(entry->base - last.next), out);
    append_varint(bits(entry->next - entry->base), out);
    append_varint(entry->at - last.at, out);
    append_varint(entry->size, out);
    append_varint(zigzag(number(bits(to_ms(entry->append_time)) - bits(to_ms(last.append_time)))),
                  out);
    append_varint(
        zigzag(number(bits(to_ms(entry->max_timestamp)) - bits(to_ms(last.max_timestamp)))), out);
  }
  char* head = out.data() + at;
  store_int(kPageMagic, head);
  store_int(where.topic.value(), head + 8);
  store_int(where.partition.value(), head + 12);
  store_int(static_cast<std::uint32_t>(to - from), head + 16);
  store_int(crc32c(BytesView(head + 8, out.size() - at - 8)), head + 4);
}

void append_partition(PartitionKey where, const PartitionPages& partition, Bytes& out) {
  append_varint(bits(where.topic.value()), out);
  append_varint(bits(where.partition.value()), out);
  append_varint(partition.bytes, out);
  append_varint(partition.dirty, out);
  append_varint(zigzag(to_ms(partition.last_append_time)), out);
  append_varint(partition.pages.size(), out);
  for (const IndexPage& page : partition.pages) {
    append_varint(bits(page.base.value()), out);
    append_varint(bits(page.next - page.base), out);
    append_varint(zigzag(to_ms(page.max_timestamp)), out);
    append_varint(page.at, out);
    append_varint(page.size, out);
  }
}

bool read_partition(BytesView& in, SegmentPages& all) {
  std::int32_t topic = 0;
  std::int32_t partition = 0;
  std::uint64_t append_time = 0;
  std::uint64_t count = 0;
  PartitionPages pages;
  if (!read_number(in, topic) || !read_number(in, partition) || !read_varint(in, pages.bytes) ||
      !read_varint(in, pages.dirty) || !read_varint(in, append_time) || !read_varint(in, count) ||
      count == 0) {
    return false;
  }
  pages.last_append_time = from_ms(unzigzag(append_time));
  for (; count > 0; --count) {
    std::int64_t base = 0;
    std::int64_t length = 0;
    std::uint64_t time = 0;
    IndexPage page;
    if (!read_number(in, base) || !read_number(in, length) || !read_varint(in, time) ||
        !read_varint(in, page.at) || !read_number(in, page.size)) {
      return false;
    }
    page.base = Offset(base);
    page.next = page.base + length;
    page.max_timestamp = from_ms(unzigzag(time));
    pages.pages.push_back(page);
  }
  all[{TopicId(topic), Partition(partition)}] = std::move(pages);
  return true;
}

}  // namespace

void encode_segment_header(const SegmentHeader& header, Bytes& out) {
  char bytes[kSegmentHeaderSize] = {};
  std::ranges::copy(kSegmentMagic, bytes);
  store_int(kFormatVersion, bytes + 8);
  store_int(static_cast<std::uint32_t>(header.kind), bytes + 12);
  store_int(header.journal.value(), bytes + 16);
  store_int(header.number.value(), bytes + 24);
  store_int(header.first_frame.value(), bytes + 32);
  store_int(to_ms(header.made), bytes + 40);
  store_int(header.catalog_size, bytes + 48);
  store_int(header.catalog_crc, bytes + 52);
  store_int(crc32c(BytesView(bytes, 60)), bytes + 60);
  out.append(bytes, kSegmentHeaderSize);
}

std::optional<BadBytes> read_segment_header(BytesView bytes, SegmentHeader& header) {
  if (bytes.size() < kSegmentHeaderSize) return BadBytes{bytes.size(), "its header is cut off"};
  if (bytes.substr(0, kSegmentMagic.size()) != kSegmentMagic) {
    return BadBytes{0, "it is no segment of a journal, or its first bytes are damaged"};
  }
  const char* at = bytes.data();
  const bool holds = load_int<std::uint32_t>(at + 60) == crc32c(bytes.substr(0, 60));
  const auto version = load_int<std::uint32_t>(at + 8);
  if (!holds) return BadBytes{0, "the checksum of its header does not hold"};
  if (version != kFormatVersion) {
    return BadBytes{8, "it has format " + std::to_string(version) +
                           "; this millrace reads format " + std::to_string(kFormatVersion) +
                           " only: use a newer one"};
  }
  const auto kind = load_int<std::uint32_t>(at + 12);
  if (kind != 1 && kind != 2) return BadBytes{12, "its kind is unknown"};
  header.kind = static_cast<SegmentKind>(kind);
  header.journal = JournalId(load_int<std::int64_t>(at + 16));
  header.number = SegmentNumber(load_int<std::int64_t>(at + 24));
  header.first_frame = FrameNumber(load_int<std::int64_t>(at + 32));
  header.made = from_ms(load_int<std::int64_t>(at + 40));
  header.catalog_size = load_int<std::uint32_t>(at + 48);
  header.catalog_crc = load_int<std::uint32_t>(at + 52);
  return std::nullopt;
}

void encode_foot(const SegmentEntries& entries, Trailer& trailer, Bytes& out, SegmentPages& pages) {
  const std::size_t from = out.size();
  for (const auto& [where, batches] : entries) {
    PartitionPages& partition = pages[where];
    for (std::size_t i = 0; i < batches.size(); i += kEntriesPerPage) {
      const std::size_t end = std::min(i + kEntriesPerPage, batches.size());
      const std::size_t at = out.size();
      append_page(where, &batches[i], batches.data() + end, out);
      IndexPage page{batches[i].base, batches[end - 1].next, batches[i].max_timestamp,
                     trailer.frames_end + (at - from), static_cast<std::uint32_t>(out.size() - at)};
      for (std::size_t j = i; j < end; ++j) {
        page.max_timestamp = std::max(page.max_timestamp, batches[j].max_timestamp);
        partition.bytes += batches[j].size;
        if (!batches[j].compacted) partition.dirty += batches[j].size;
      }
      partition.pages.push_back(page);
    }
    partition.last_append_time = batches.back().append_time;
  }
  const std::size_t table = out.size();
  detail::append_int(kPagesMagic, out);
  append_varint(pages.size(), out);
  for (const auto& [where, partition] : pages) append_partition(where, partition, out);
  trailer.pages_at = trailer.frames_end + (table - from);
  trailer.pages_size = static_cast<std::uint32_t>(out.size() - table);
  trailer.pages_crc = crc32c(BytesView(out).substr(table));

  char bytes[kTrailerSize] = {};
  store_int(kTrailerMagic, bytes);
  store_int(trailer.number.value(), bytes + 8);
  store_int(trailer.first_frame.value(), bytes + 16);
  store_int(trailer.last_frame.value(), bytes + 24);
  store_int(trailer.frames_end, bytes + 32);
  store_int(trailer.pages_at, bytes + 40);
  store_int(trailer.pages_size, bytes + 48);
  store_int(trailer.pages_crc, bytes + 52);
  store_int(crc32c(BytesView(bytes + 8, kTrailerSize - 8)), bytes + 4);
  out.append(bytes, kTrailerSize);
}

std::optional<Trailer> read_trailer(BytesView bytes) {
  const char* at = bytes.data();
  if (load_int<std::uint32_t>(at) != kTrailerMagic ||
      load_int<std::uint32_t>(at + 4) != crc32c(bytes.substr(8, kTrailerSize - 8))) {
    return std::nullopt;
  }
  Trailer trailer;
  trailer.number = SegmentNumber(load_int<std::int64_t>(at + 8));
  trailer.first_frame = FrameNumber(load_int<std::int64_t>(at + 16));
  trailer.last_frame = FrameNumber(load_int<std::int64_t>(at + 24));
  trailer.frames_end = load_int<std::uint64_t>(at + 32);
  trailer.pages_at = load_int<std::uint64_t>(at + 40);
  trailer.pages_size = load_int<std::uint32_t>(at + 48);
  trailer.pages_crc = load_int<std::uint32_t>(at + 52);
  return trailer;
}

bool read_pages(BytesView bytes, const Trailer& trailer, SegmentPages& pages) {
  if (bytes.size() != trailer.pages_size || crc32c(bytes) != trailer.pages_crc) return false;
  const auto magic = detail::read_int<std::uint32_t>(bytes);
  std::uint64_t count = 0;
  if (magic != kPagesMagic || !read_varint(bytes, count)) return false;
  for (; count > 0; --count) {
    if (!read_partition(bytes, pages)) return false;
  }
  return bytes.empty();
}

bool read_page(BytesView bytes, PartitionKey where, std::vector<BatchEntry>& entries) {
  if (bytes.size() < kPageHeadSize) return false;
  const char* head = bytes.data();
  if (load_int<std::uint32_t>(head) != kPageMagic ||
      load_int<std::uint32_t>(head + 4) != crc32c(bytes.substr(8)) ||
      load_int<std::int32_t>(head + 8) != where.topic.value() ||
      load_int<std::int32_t>(head + 12) != where.partition.value()) {
    return false;
  }
  const auto count = load_int<std::uint32_t>(head + 16);
  bytes.remove_prefix(kPageHeadSize);
  entries.reserve(std::min<std::size_t>(count, kEntriesPerPage));
  BatchEntry last;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::int64_t gap = 0;
    std::int64_t length = 0;
    std::uint64_t at = 0;
    std::uint64_t append_time = 0;
    std::uint64_t max_timestamp = 0;
    if (!read_number(bytes, gap) || !read_number(bytes, length) || !read_varint(bytes, at) ||
        !read_number(bytes, last.size) || !read_varint(bytes, append_time) ||
        !read_varint(bytes, max_timestamp)) {
      return false;
    }
    last.base = last.next + gap;
    last.next = last.base + length;
    last.at += at;
    last.append_time = from_ms(number(bits(to_ms(last.append_time)) + bits(unzigzag(append_time))));
    last.max_timestamp =
        from_ms(number(bits(to_ms(last.max_timestamp)) + bits(unzigzag(max_timestamp))));
    entries.push_back(last);
  }
  return bytes.empty();
}

bool begins_foot(BytesView bytes) {
  const auto magic = load_int<std::uint32_t>(bytes.data());
  return magic == kPageMagic || magic == kPagesMagic;
}

}  // namespace millrace::log::journal
