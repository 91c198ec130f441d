#include "log/journal/copies_writer.h"

#include <utility>

namespace millrace::log::journal {

namespace {
constexpr std::size_t kBuffer = 1 << 20;
}

CopiesWriter::CopiesWriter(const Directory& directory, SegmentHeader header,
                           std::unique_ptr<File> file)
    : directory_(directory),
      header_(header),
      name_(segment_name(header.kind, header.number)),
      file_(std::move(file)) {
  encode_segment_header(header_, buffer_);
  end_ = buffer_.size();
}

CopiesWriter::~CopiesWriter() {
  if (!finished_) (void)directory_.files().remove(directory_.path(name_ + kUnfinished));
}

FileResult<std::unique_ptr<CopiesWriter>> CopiesWriter::make(const Directory& directory,
                                                             JournalId journal,
                                                             SegmentNumber number, Timestamp now) {
  SegmentHeader header;
  header.kind = SegmentKind::kCopies;
  header.journal = journal;
  header.number = number;
  header.made = now;
  const std::string path = directory.path(segment_name(header.kind, header.number) + kUnfinished);
  if (auto error = directory.files().remove(path)) return *error;
  auto file = directory.files().open(path, FileSystem::Open::kCreate);
  if (!file.ok()) return file.error();
  return std::unique_ptr<CopiesWriter>(
      new CopiesWriter(directory, header, std::move(file.value())));
}

FileStatus CopiesWriter::add(const FrameBatch& batch) {
  const std::size_t from = buffer_.size();
  encode_batch(batch, buffer_);
  const std::size_t size = buffer_.size() - from;
  entries_[batch.where].push_back({batch.base, batch.next, end_, static_cast<std::uint32_t>(size),
                                   batch.append_time, batch.max_timestamp,
                                   batch.compacted != Timestamp()});
  end_ += size;
  return buffer_.size() < kBuffer ? std::nullopt : flush();
}

FileStatus CopiesWriter::flush() {
  const BytesView piece = buffer_;
  auto error = file_->append({&piece, 1});
  buffer_.clear();
  return error;
}

FileResult<CopiesWriter::Finished> CopiesWriter::finish() {
  Trailer trailer;
  trailer.number = header_.number;
  trailer.last_frame = header_.first_frame - 1;
  trailer.frames_end = end_;
  Finished finished;
  encode_foot(entries_, trailer, buffer_, finished.pages);
  const std::uint64_t size = trailer.pages_at + trailer.pages_size + kTrailerSize;
  if (auto error = flush()) return *error;
  if (auto error = file_->sync()) return *error;
  const std::string path = directory_.path(name_);
  if (auto error = directory_.files().rename(path + kUnfinished, path)) return *error;
  if (auto error = directory_.files().sync_directory(directory_.path())) return *error;
  finished_ = true;
  finished.segment.segment = directory_.segment(header_);
  finished.segment.live = {SegmentKind::kCopies, header_.number, size, FrameNumber(0),
                           FrameNumber(-1)};
  return finished;
}

}  // namespace millrace::log::journal
