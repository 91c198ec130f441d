#include "log/journal/sealed_segments.h"

namespace millrace::log::journal {

void SealedSegments::add(SealedSegment segment) {
  const std::lock_guard lock(mutex_);
  auto more = std::make_shared<std::vector<SealedSegment>>(*segments_);
  more->push_back(std::move(segment));
  segments_ = std::move(more);
}

std::shared_ptr<const std::vector<SealedSegment>> SealedSegments::all() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

void SealedSegments::replace(const std::vector<SealedSegment>& before,
                             std::vector<SealedSegment> all) {
  for (std::size_t taken = before.size();;) {
    const List now = this->all();
    all.insert(all.end(), now->begin() + static_cast<std::ptrdiff_t>(taken), now->end());
    taken = now->size();
    List made = std::make_shared<const std::vector<SealedSegment>>(all);
    const std::lock_guard lock(mutex_);
    if (segments_ != now) continue;  // one more has been sealed
    segments_.swap(made);
    return;
  }
}

std::uint64_t SealedSegments::bytes() const {
  std::uint64_t bytes = 0;
  for (const SealedSegment& segment : *all()) bytes += segment.live.size;
  return bytes;
}

}  // namespace millrace::log::journal
