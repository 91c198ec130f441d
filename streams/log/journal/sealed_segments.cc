#include "log/journal/sealed_segments.h"

#include <iterator>

namespace millrace::log::journal {

void SealedSegments::add(SealedSegment segment) {
  const std::lock_guard lock(mutex_);
  segments_.push_back(std::move(segment));
}

std::vector<SealedSegment> SealedSegments::all() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

void SealedSegments::replace(const std::vector<SealedSegment>& before,
                             std::vector<SealedSegment> all) {
  const std::lock_guard lock(mutex_);
  all.insert(all.end(), segments_.begin() + static_cast<std::ptrdiff_t>(before.size()),
             segments_.end());
  segments_ = std::move(all);
}

std::uint64_t SealedSegments::bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const SealedSegment& segment : segments_) bytes += segment.live.size;
  return bytes;
}

}  // namespace millrace::log::journal
