// Reads the frames of a segment one after the other, checking every byte.
#pragma once

#include "log/journal/catalog.h"
#include "log/journal/segment_file.h"

namespace millrace::log::journal {

// A window that slides over a file, so that many small pieces cost few reads.
class FileWindow {
 public:
  FileWindow(const Segment& segment, std::uint64_t end) : segment_(segment), end_(end) {}

  std::uint64_t end() const { return end_; }
  // Effect: the bytes [at, at + size), valid until the next call. REQUIRES: at + size <= end().
  Result<BytesView> bytes(std::uint64_t at, std::uint64_t size);

 private:
  const Segment& segment_;
  std::uint64_t end_;
  std::uint64_t from_ = 0;
  Bytes buffer_;
};

class FrameScanner {
 public:
  FrameScanner(const Segment& segment, std::uint64_t from, std::uint64_t end)
      : window_(segment, end), journal_(segment.header().journal), at_(from) {}

  enum class Found { kFrame, kEnd, kBad };
  // Effect: the next frame; it borrows until the next call. kEnd: nothing is left. kBad: no whole
  // frame begins at at(); bad() says why. Errors: the file cannot be read.
  Result<Found> next(ParsedFrame& frame);

  // Effect: adds where the batches of the last frame lie.
  void locate(const ParsedFrame& frame, SegmentEntries& entries) const;

  // Where the next frame begins; behind the last one that was whole.
  std::uint64_t at() const { return at_; }
  std::uint64_t frame_at() const { return frame_at_; }  // of the last one
  const BadBytes& bad() const { return bad_; }          // its byte is one of the file

  // Of the frames that may still begin behind at(): the highest number that one of them says was
  // synced before it was written. Frames whose head does not hold say nothing.
  Result<FrameNumber> durable_behind();

  // Effect: goes on behind what is bad, where the next head of a frame holds, or at the end.
  Status skip();

 private:
  // The next place, from `from` on, where the head of a frame holds; window_.end(): nowhere.
  Result<std::uint64_t> seek(std::uint64_t from, FrameHead& head);

  FileWindow window_;
  JournalId journal_;
  std::uint64_t at_;
  std::uint64_t frame_at_ = 0;
  BadBytes bad_;
};

// The catalog at the head of a segment. Errors: kFatal, file and byte.
Result<Catalog> read_catalog(const Segment& segment);

}  // namespace millrace::log::journal
