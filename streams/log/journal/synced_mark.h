// The small file `synced`: up to where the journal is known to be durable. A bad frame below it is
// damage, one above it a torn tail.
//
// Two slots, so that one is always whole. pin() writes both, one after the other, and syncs each: after
// every new segment. note() writes the second after every sync() of a segment and leaves it to the
// system: a second fdatasync would double what a commit waits for. After a power cut the mark may therefore lag;
// frames say by themselves what was durable when they were written, which closes most of that gap.
#pragma once

#include <memory>
#include <optional>

#include "log/journal/directory.h"
#include "log/journal/segment_format.h"

namespace millrace::log::journal {

struct SyncedPosition {
  SegmentNumber segment;
  std::uint64_t at = 0;  // every byte of the segment below it is durable
  FrameNumber frame;     // the last one below it
  friend auto operator<=>(const SyncedPosition&, const SyncedPosition&) = default;
};

class SyncedMark {
 public:
  SyncedMark(JournalId journal, std::unique_ptr<File> file)
      : journal_(journal), file_(std::move(file)) {}

  // Effect: makes the file, in place of whatever was there.
  static FileResult<SyncedMark> make(const Directory& directory, JournalId journal,
                                     SyncedPosition position);

  static constexpr std::size_t kSlotSize = 512;  // a sector: one is not torn by writing the other

  // nullopt: it cannot be believed.
  struct Slots {
    bool there = false;
    std::optional<SyncedPosition> first;
    std::optional<SyncedPosition> second;
  };
  static FileResult<Slots> slots(const Directory& directory, JournalId journal);
  // REQUIRES: both slots can be believed.
  static FileResult<SyncedMark> open(const Directory& directory, JournalId journal);

  [[nodiscard]] FileStatus note(SyncedPosition position);
  [[nodiscard]] FileStatus pin(SyncedPosition position);

 private:
  JournalId journal_;
  std::unique_ptr<File> file_;
  bool pinned_ = true;  // the first slot is whole on the disk: the second may be written over
};

}  // namespace millrace::log::journal
