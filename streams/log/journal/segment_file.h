// One segment on disk: its file and what its header says. Shared: whoever holds it can read on, also
// when its name is gone.
#pragma once

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

// Thread-safe.
class Segment {
 public:
  Segment(FileSystem& files, std::string path, SegmentHeader header)
      : files_(files), path_(std::move(path)), header_(header) {}

  const std::string& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }

  // Effect: opens the file, once. It stays open as long as the segment lives.
  Result<std::shared_ptr<const File>> file() const;

  // Effect: reads exactly these bytes. Errors: kFatal, file and byte.
  Status read(std::uint64_t at, std::span<char> into) const;

 private:
  FileSystem& files_;
  std::string path_;
  SegmentHeader header_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const File> file_;  // guarded by mutex_
};

}  // namespace millrace::log::journal
