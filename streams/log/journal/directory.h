// The journal's directory: names, and files that are there whole or not at all.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "log/journal/segment_file.h"

namespace millrace::log::journal {

inline constexpr const char* kLockFile = "lock";
inline constexpr const char* kSyncedFile = "synced";
inline constexpr const char* kUnfinished = ".new";  // ends the name of a file that is being written

class Directory {
 public:
  Directory(FileSystem& files, std::string path)
      : files_(files), path_(std::move(path)), open_(std::make_shared<OpenSegments>()) {}

  FileSystem& files() const { return files_; }
  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

  // A segment of this directory.
  std::shared_ptr<const Segment> segment(const SegmentHeader& header) const;

  // Effect: makes a file of this content, so that after any crash all of it is there or nothing; one
  // of that name is replaced. It stays open for more.
  // Errors: it is not there; where the last step failed it may be or not, and the error is not
  // is_full().
  FileResult<std::unique_ptr<File>> place(const std::string& name,
                                          std::span<const BytesView> content) const;

 private:
  FileSystem& files_;
  std::string path_;
  std::shared_ptr<OpenSegments> open_;
};

}  // namespace millrace::log::journal
