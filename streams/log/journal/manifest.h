// The file `manifest`: which sealed segments are live, once the cleaner has taken some away. Without it
// all are.
#pragma once

#include <optional>
#include <vector>

#include "log/journal/directory.h"
#include "log/journal/segment_format.h"

namespace millrace::log::journal {

inline constexpr const char* kManifestFile = "manifest";

struct LiveSegment {
  SegmentKind kind = SegmentKind::kFrames;
  SegmentNumber number;
  std::uint64_t size = 0;
  FrameNumber first_frame;  // of copies: 0
  FrameNumber last_frame;
  friend bool operator==(const LiveSegment&, const LiveSegment&) = default;
};

struct Manifest {
  JournalId journal;
  SegmentNumber frames_from{1};   // segments of frames from this number on are live and not listed
  FrameNumber next_frame{1};      // the first one in them
  SegmentNumber next_copies{1};   // the next number of copies to give out
  std::vector<LiveSegment> live;  // in the order of their offsets
};

Bytes encode_manifest(const Manifest& manifest);
// nullopt: it is damaged.
std::optional<Manifest> decode_manifest(BytesView bytes);

struct ReadManifest {
  bool there = false;
  std::optional<Manifest> manifest;  // nullopt though it is there: damaged
};
FileResult<ReadManifest> read_manifest(const Directory& directory);

}  // namespace millrace::log::journal
