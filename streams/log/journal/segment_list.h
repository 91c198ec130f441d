// Which segments a directory holds, by its names and its manifest; nothing of them is read but headers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "log/journal/manifest.h"
#include "log/journal/segment_file.h"

namespace millrace::log::journal {

struct SegmentList {
  bool manifest_there = false;
  Manifest manifest;                   // names those that are live and no part of `frames`
  std::vector<SegmentNumber> frames;   // those of frames from manifest.frames_from on, ascending
  std::vector<std::string> leftovers;  // names of segments that are of no use any more

  bool is_new() const { return !manifest_there && frames.empty() && leftovers.empty(); }
};

// Effect: removes what was not finished. Errors: kFatal: the manifest is damaged; the directory cannot
// be read.
Result<SegmentList> list_segments(const Directory& directory);

struct FoundSegment {
  std::shared_ptr<const Segment> segment;
  std::uint64_t size = 0;
};

// Effect: reads its header. `journal`: which it must belong to; none: any.
// Errors: kFatal: it is missing, damaged, another one, or cannot be read.
Result<FoundSegment> find_segment(const Directory& directory, SegmentKind kind,
                                  SegmentNumber number, JournalId journal);

}  // namespace millrace::log::journal
