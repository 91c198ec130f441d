// The segments that nobody writes to any more, in the order of their offsets: copies that the cleaner
// made, then frames.
#pragma once

#include <memory>
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

// Thread-safe: the writer adds, the cleaner replaces, and nobody waits for the cleaner: a list is made
// without the mutex wherever it is long.
class SealedSegments {
 public:
  void add(SealedSegment segment);
  std::shared_ptr<const std::vector<SealedSegment>> all() const;
  // Effect: `all` takes the place of what all() gave before; what was added since stays behind it.
  void replace(const std::vector<SealedSegment>& before, std::vector<SealedSegment> all);
  std::uint64_t bytes() const;

 private:
  using List = std::shared_ptr<const std::vector<SealedSegment>>;

  mutable std::mutex mutex_;
  List segments_ = std::make_shared<std::vector<SealedSegment>>();  // guarded by mutex_
};

}  // namespace millrace::log::journal
