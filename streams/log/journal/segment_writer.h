// Makes segments and writes to the last one.
#pragma once

#include <memory>

#include "log/journal/catalog.h"
#include "log/journal/directory.h"
#include "log/journal/index.h"

namespace millrace::log::journal {

// Not thread-safe.
class SegmentWriter {
 public:
  // A segment that is there: `end` is behind its last frame, `sealed_size` behind its foot (0: none).
  SegmentWriter(SegmentPtr segment, std::unique_ptr<File> file, std::uint64_t end,
                std::uint64_t sealed_size)
      : segment_(std::move(segment)),
        file_(std::move(file)),
        end_(end),
        sealed_size_(sealed_size) {}

  // Effect: makes a segment that begins with this catalog and these frames, all of it durable.
  // `header`: without what says about the catalog.
  static FileResult<SegmentWriter> make(const Directory& directory, SegmentHeader header,
                                        const Catalog& catalog, BytesView frames);

  const SegmentPtr& segment() const { return segment_; }
  std::uint64_t end() const { return end_; }
  std::uint64_t size() const { return sealed() ? sealed_size_ : end_; }
  bool sealed() const { return sealed_size_ > 0; }
  bool empty() const { return end_ == segment_->header().size(); }

  // On failure the file holds anything behind end(): cut() before anything follows.
  [[nodiscard]] FileStatus append(BytesView frame);
  [[nodiscard]] FileStatus sync() { return file_->sync(); }
  // Effect: nothing is left behind `at`, durably.
  [[nodiscard]] FileStatus cut(std::uint64_t at);

  // Effect: writes the foot and syncs; the pages go to the index. REQUIRES: !sealed(); synced.
  // On failure: as for append().
  [[nodiscard]] FileStatus seal(FrameNumber last_frame, Index& index);

 private:
  SegmentPtr segment_;
  std::unique_ptr<File> file_;
  std::uint64_t end_;
  std::uint64_t sealed_size_;
};

}  // namespace millrace::log::journal
