#include "log/journal/segment_writer.h"

#include "log/journal/crc32c.h"

namespace millrace::log::journal {

FileResult<SegmentWriter> SegmentWriter::make(const Directory& directory, SegmentHeader header,
                                              const Catalog& catalog, BytesView frames) {
  Bytes catalog_bytes;
  catalog.encode(catalog_bytes);
  header.catalog_size = static_cast<std::uint32_t>(catalog_bytes.size());
  header.catalog_crc = crc32c(catalog_bytes);
  Bytes header_bytes;
  encode_segment_header(header, header_bytes);
  const std::string name = segment_name(header.kind, header.number);
  const BytesView content[] = {header_bytes, catalog_bytes, frames};
  auto file = directory.place(name, content);
  if (!file.ok()) return file.error();
  return SegmentWriter(directory.segment(header), std::move(file.value()),
                       header.size() + frames.size(), 0);
}

FileStatus SegmentWriter::append(BytesView frame) {
  if (auto error = file_->append({&frame, 1})) return error;
  end_ += frame.size();
  return std::nullopt;
}

FileStatus SegmentWriter::cut(std::uint64_t at) {
  if (auto error = file_->truncate(at)) return error;
  end_ = at;
  return file_->sync();
}

FileStatus SegmentWriter::seal(FrameNumber last_frame, Index& index) {
  Trailer trailer;
  trailer.number = segment_->header().number;
  trailer.first_frame = segment_->header().first_frame;
  trailer.last_frame = last_frame;
  trailer.frames_end = end_;
  Bytes foot;
  SegmentPages pages;
  encode_foot(index.entries(segment_), trailer, foot, pages);
  const BytesView piece = foot;
  if (auto error = file_->append({&piece, 1})) return error;
  if (auto error = file_->sync()) return error;
  sealed_size_ = end_ + foot.size();
  index.seal(segment_, std::move(pages));
  return std::nullopt;
}

}  // namespace millrace::log::journal
