// One segment on disk: its file and what its header says. Shared: whoever holds it can read on, also
// when its name is gone.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "log/journal/file_system.h"
#include "log/journal/segment_format.h"
#include "millrace/result.h"

namespace millrace::log::journal {

// What is refused, in the words that whoever runs the program reads: file, byte, what to do.
Status damaged(const std::string& path, std::uint64_t at, const std::string& why);
Status not_possible(const FileError& error);

std::string segment_name(SegmentKind kind, SegmentNumber number);

class Segment;

// How many files of segments are open for reading at once, however many segments there are: the one
// that was opened first is closed for the next. Thread-safe.
class OpenSegments {
 public:
  explicit OpenSegments(std::size_t most = 128) : most_(most) {}
  void opened(std::weak_ptr<const Segment> segment);

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::deque<std::weak_ptr<const Segment>> open_;  // guarded by mutex_
};

// Thread-safe. Made by std::make_shared.
class Segment : public std::enable_shared_from_this<Segment> {
 public:
  // Lifetime: `open`, which may be null, outlives no segment: it is shared.
  Segment(FileSystem& files, std::string path, SegmentHeader header,
          std::shared_ptr<OpenSegments> open = nullptr)
      : files_(files), path_(std::move(path)), header_(header), open_(std::move(open)) {}

  const std::string& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }

  // Effect: the file, opened where it is not open.
  Result<std::shared_ptr<const File>> file() const;
  // Effect: it stays open as long as the segment lives: its name goes.
  Status keep_open() const;
  // Effect: closed, unless it is to be kept.
  void close() const;

  // Effect: reads exactly these bytes. Errors: kFatal, file and byte.
  Status read(std::uint64_t at, std::span<char> into) const;

 private:
  std::shared_ptr<const File> remember(FileResult<std::unique_ptr<File>>& opened) const;

  FileSystem& files_;
  std::string path_;
  SegmentHeader header_;
  std::shared_ptr<OpenSegments> open_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const File> file_;  // guarded by mutex_
  mutable bool kept_ = false;                 // guarded by mutex_
};

}  // namespace millrace::log::journal
