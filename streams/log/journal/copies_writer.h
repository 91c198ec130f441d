// Writes a segment of copies: batches that the cleaner keeps, partition by partition.
#pragma once

#include <memory>

#include "log/journal/directory.h"
#include "log/journal/sealed_segments.h"

namespace millrace::log::journal {

// Not thread-safe. Nothing of it is in the journal before a manifest names it.
class CopiesWriter {
 public:
  static FileResult<std::unique_ptr<CopiesWriter>> make(const Directory& directory,
                                                        JournalId journal, SegmentNumber number,
                                                        Timestamp now);
  // Removes what was not finished.
  ~CopiesWriter();

  // Effect: adds a batch. REQUIRES: partitions one after the other, each in the order of its offsets.
  [[nodiscard]] FileStatus add(const FrameBatch& batch);
  std::uint64_t size() const { return end_; }

  struct Finished {
    SealedSegment segment;
    SegmentPages pages;
  };
  // Effect: the segment is whole and durable. REQUIRES: nothing is called afterwards.
  FileResult<Finished> finish();

 private:
  CopiesWriter(const Directory& directory, SegmentHeader header, std::unique_ptr<File> file);
  [[nodiscard]] FileStatus flush();

  Directory directory_;
  SegmentHeader header_;
  std::string name_;
  std::unique_ptr<File> file_;
  Bytes buffer_;
  std::uint64_t end_ = 0;  // with what is in the buffer
  SegmentEntries entries_;
  bool finished_ = false;
};

}  // namespace millrace::log::journal
