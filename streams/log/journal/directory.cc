#include "log/journal/directory.h"

#include "millrace/detail/failpoint.h"

namespace millrace::log::journal {

std::shared_ptr<const Segment> Directory::segment(const SegmentHeader& header) const {
  return std::make_shared<const Segment>(files_, path(segment_name(header.kind, header.number)),
                                         header, open_);
}

FileResult<std::unique_ptr<File>> Directory::place(const std::string& name,
                                                   std::span<const BytesView> content) const {
  const std::string unfinished = path(name + kUnfinished);
  if (auto error = files_.remove(unfinished)) return *error;
  auto opened = files_.open(unfinished, FileSystem::Open::kCreate);
  if (!opened.ok()) return opened;
  FileStatus error = opened.value()->append(content);
  if (!error) error = opened.value()->sync();
  MR_FAILPOINT("place.written");
  if (!error) error = files_.rename(unfinished, path(name));
  if (error) {
    (void)files_.remove(unfinished);  // found and removed when the journal is opened, else
    return *error;
  }
  MR_FAILPOINT("place.renamed");
  if (auto unsure = files_.sync_directory(path_)) {
    unsure->code = std::make_error_code(std::errc::io_error);
    return *unsure;
  }
  return opened;
}

}  // namespace millrace::log::journal
