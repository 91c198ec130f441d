#include "log/journal/scanner.h"

#include <algorithm>

#include "log/journal/crc32c.h"

namespace millrace::log::journal {

namespace {
constexpr std::uint64_t kWindow = 1 << 20;
}

Result<BytesView> FileWindow::bytes(std::uint64_t at, std::uint64_t size) {
  if (at < from_ || at + size > from_ + buffer_.size()) {
    buffer_.resize(static_cast<std::size_t>(std::min(std::max(size, kWindow), end_ - at)));
    from_ = at;
    const Status read = segment_.read(at, buffer_);
    if (!read.ok()) {
      buffer_.clear();
      return read;
    }
  }
  return BytesView(buffer_).substr(static_cast<std::size_t>(at - from_),
                                   static_cast<std::size_t>(size));
}

Result<FrameScanner::Found> FrameScanner::next(ParsedFrame& frame) {
  const std::uint64_t left = window_.end() - at_;
  if (left == 0) return Found::kEnd;
  if (left < kFrameFixedSize) {
    bad_ = {at_, "a frame is cut off"};
    return Found::kBad;
  }
  auto start = window_.bytes(at_, kFrameFixedSize);
  if (!start.ok()) return start.status();
  const auto head = read_frame_head(start.value());
  if (!head) {
    bad_ = {at_, "no frame begins here"};
    return Found::kBad;
  }
  if (head->size > left) {
    bad_ = {at_, "a frame is cut off"};
    return Found::kBad;
  }
  auto whole = window_.bytes(at_, head->size);
  if (!whole.ok()) return whole.status();
  if (auto bad = parse_frame(*head, journal_, whole.value(), frame)) {
    bad_ = {at_ + bad->at, bad->why};
    return Found::kBad;
  }
  frame_at_ = at_;
  at_ += head->size;
  return Found::kFrame;
}

void FrameScanner::locate(const ParsedFrame& frame, SegmentEntries& entries) const {
  for (std::size_t i = 0; i < frame.places.size(); ++i) {
    const FrameBatch& batch = frame.frame.batches[i];
    entries[batch.where].push_back({batch.base, batch.next, frame_at_ + frame.places[i].at,
                                    frame.places[i].size, batch.append_time, batch.max_timestamp});
  }
}

Result<std::uint64_t> FrameScanner::seek(std::uint64_t from, FrameHead& head) {
  for (std::uint64_t at = from; at + kFrameFixedSize <= window_.end();) {
    auto piece = window_.bytes(at, std::min(kWindow / 2, window_.end() - at));
    if (!piece.ok()) return piece.status();
    const BytesView bytes = piece.value();
    std::size_t i = 0;
    std::optional<FrameHead> found;
    for (; i + kFrameFixedSize <= bytes.size(); ++i) {
      if (bytes[i] == 'M' && (found = read_frame_head(bytes.substr(i)))) break;
    }
    at += i;
    if (!found) continue;
    if (found->head_size <= window_.end() - at) {
      auto whole = window_.bytes(at, found->head_size);
      if (!whole.ok()) return whole.status();
      if (frame_head_holds(*found, journal_, whole.value())) {
        head = *found;
        return at;
      }
    }
    ++at;
  }
  return window_.end();
}

Result<FrameNumber> FrameScanner::durable_behind() {
  FrameNumber durable;
  FrameHead head;
  for (std::uint64_t from = at_;; ++from) {
    auto at = seek(from, head);
    if (!at.ok()) return at.status();
    if (at.value() == window_.end()) return durable;
    durable = std::max(durable, head.durable);
    from = at.value();
  }
}

Status FrameScanner::skip() {
  FrameHead head;
  auto at = seek(at_ + 1, head);
  if (at.ok()) at_ = at.value();
  return at.status();
}

Result<Catalog> read_catalog(const Segment& segment) {
  const SegmentHeader& header = segment.header();
  Bytes bytes(header.catalog_size, '\0');
  const Status read = segment.read(kSegmentHeaderSize, bytes);
  if (!read.ok()) return read;
  if (crc32c(bytes) != header.catalog_crc) {
    return damaged(segment.path(), kSegmentHeaderSize, "the checksum of its catalog does not hold");
  }
  auto catalog = Catalog::decode(bytes);
  if (!catalog.ok()) {
    return damaged(segment.path(), kSegmentHeaderSize, catalog.status().message());
  }
  return catalog;
}

}  // namespace millrace::log::journal
