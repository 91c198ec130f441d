// The segments that nobody writes to any more, in the order of their offsets: copies that the cleaner
// made, then frames.
#pragma once

#include <mutex>
#include <vector>

#include "log/journal/manifest.h"
#include "log/journal/segment_file.h"

namespace millrace::log::journal {

struct SealedSegment {
  std::shared_ptr<const Segment> segment;
  LiveSegment live;
  bool has_foot = true;  // false: a failing disk took it; recovery makes it again
};

// Thread-safe: the writer adds, the cleaner replaces.
class SealedSegments {
 public:
  void add(SealedSegment segment);
  std::vector<SealedSegment> all() const;
  // Effect: `all` takes the place of what all() gave before; what was added since stays behind it.
  void replace(const std::vector<SealedSegment>& before, std::vector<SealedSegment> all);
  std::uint64_t bytes() const;

 private:
  mutable std::mutex mutex_;
  std::vector<SealedSegment> segments_;  // guarded by mutex_
};

}  // namespace millrace::log::journal
