// The head and the foot of a segment as bytes: docs/format/journal.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log/journal/frame_codec.h"

namespace millrace::log::journal {

// Segments are numbered from 1; a number is given out once.
using SegmentNumber = StrongInt<struct SegmentNumberTag, std::int64_t>;

enum class SegmentKind : std::uint32_t {
  kFrames = 1,  // frames as they were appended
  kCopies = 2,  // batches that the cleaner kept, partition by partition
};

inline constexpr std::size_t kSegmentHeaderSize = 64;
inline constexpr std::uint32_t kFormatVersion = 1;

struct SegmentHeader {
  SegmentKind kind = SegmentKind::kFrames;
  JournalId journal;
  SegmentNumber number;
  FrameNumber first_frame;  // the first one in it
  Timestamp made;
  std::uint32_t catalog_size = 0;  // of what follows the header: the catalog before the first frame
  std::uint32_t catalog_crc = 0;

  std::uint64_t size() const { return kSegmentHeaderSize + catalog_size; }
};

void encode_segment_header(const SegmentHeader& header, Bytes& out);
// Errors: a text: foreign, newer, damaged.
std::optional<BadBytes> read_segment_header(BytesView bytes, SegmentHeader& header);

// Where one batch lies in its segment.
struct BatchEntry {
  Offset base;
  Offset next;
  std::uint64_t at = 0;
  std::uint32_t size = 0;
  Timestamp append_time;
  Timestamp max_timestamp;
  bool compacted = false;  // known while a segment is written, not stored
};

// A run of entries of one partition in the foot of a segment: what is read and checked at once.
struct IndexPage {
  Offset base;
  Offset next;
  Timestamp max_timestamp;
  std::uint64_t at = 0;
  std::uint32_t size = 0;
};

// What memory holds of one partition in one sealed segment.
struct PartitionPages {
  std::vector<IndexPage> pages;
  std::uint64_t bytes = 0;     // of its batches
  std::uint64_t dirty = 0;     // of those that were never compacted
  Timestamp last_append_time;  // of its last batch
};

using SegmentEntries = std::map<PartitionKey, std::vector<BatchEntry>>;
using SegmentPages = std::map<PartitionKey, PartitionPages>;

inline constexpr std::size_t kEntriesPerPage = 512;
inline constexpr std::size_t kTrailerSize = 64;

struct Trailer {
  SegmentNumber number;
  FrameNumber first_frame;
  FrameNumber last_frame;        // less than the first: none
  std::uint64_t frames_end = 0;  // where the foot begins
  std::uint64_t pages_at = 0;    // the table of pages
  std::uint32_t pages_size = 0;
  std::uint32_t pages_crc = 0;
};

// Effect: appends the foot of a segment to `out`; its first byte will lie at trailer.frames_end. Fills
// in the rest of the trailer and `pages`.
void encode_foot(const SegmentEntries& entries, Trailer& trailer, Bytes& out, SegmentPages& pages);

// nullopt: no trailer. REQUIRES: kTrailerSize bytes.
std::optional<Trailer> read_trailer(BytesView bytes);
// The table of pages. Errors: false if it is damaged.
bool read_pages(BytesView bytes, const Trailer& trailer, SegmentPages& pages);
// One page. Errors: false if it is damaged or not this partition's.
bool read_page(BytesView bytes, PartitionKey where, std::vector<BatchEntry>& entries);

// Whether bytes that are no frame begin a foot. REQUIRES: 4 bytes.
bool begins_foot(BytesView bytes);

}  // namespace millrace::log::journal
