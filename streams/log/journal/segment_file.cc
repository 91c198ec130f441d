#include "log/journal/segment_file.h"

#include <cstdio>

namespace millrace::log::journal {

Status damaged(const std::string& path, std::uint64_t at, const std::string& why) {
  return Status::fatal("the journal is damaged: " + path + " at byte " + std::to_string(at) + ": " +
                       why + ". Nothing was changed. Restore the directory from a copy, or ask " +
                       "`millrace-log verify` what else is damaged");
}

Status not_possible(const FileError& error) {
  return Status::fatal("the journal cannot go on: " + error.what +
                       ". What was acknowledged is kept; start again once " +
                       (error.is_full() ? "there is room" : "that is mended"));
}

std::string segment_name(SegmentKind kind, SegmentNumber number) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%010lld", static_cast<long long>(number.value()));
  return std::string(digits) + (kind == SegmentKind::kFrames ? ".segment" : ".copies");
}

void OpenSegments::opened(std::weak_ptr<const Segment> segment) {
  std::weak_ptr<const Segment> oldest;
  {
    const std::lock_guard lock(mutex_);
    open_.push_back(std::move(segment));
    if (open_.size() <= most_) return;
    oldest = std::move(open_.front());
    open_.pop_front();
  }
  if (const auto alive = oldest.lock()) alive->close();
}

Result<std::shared_ptr<const File>> Segment::file() const {
  {
    const std::lock_guard lock(mutex_);
    if (file_) return file_;
  }
  // Without the mutex: whoever has it open need not wait for whoever opens it.
  auto opened = files_.open(path_, FileSystem::Open::kRead);
  const std::shared_ptr<const File> file = remember(opened);
  if (!file) return not_possible(opened.error());
  if (open_) open_->opened(weak_from_this());
  return file;
}

// The file that was opened, or the one that somebody else has opened meanwhile.
std::shared_ptr<const File> Segment::remember(FileResult<std::unique_ptr<File>>& opened) const {
  const std::lock_guard lock(mutex_);
  if (!file_ && opened.ok()) file_ = std::move(opened.value());
  return file_;
}

Status Segment::keep_open() const {
  {
    const std::lock_guard lock(mutex_);
    kept_ = true;
    if (file_) return Status::success();
  }
  auto opened = files_.open(path_, FileSystem::Open::kRead);
  return remember(opened) ? Status::success() : not_possible(opened.error());
}

void Segment::close() const {
  const std::lock_guard lock(mutex_);
  if (!kept_) file_.reset();
}

Status Segment::read(std::uint64_t at, std::span<char> into) const {
  auto opened = file();
  if (!opened.ok()) return opened.status();
  auto size = opened.value()->read_at(at, into);
  if (!size.ok()) {
    return Status::fatal("the journal cannot be read: " + path_ + " at byte " + std::to_string(at) +
                         ": " + size.error().what);
  }
  if (size.value() < into.size()) {
    return damaged(path_, at, "the file ends before what was written to it");
  }
  return Status::success();
}

}  // namespace millrace::log::journal
