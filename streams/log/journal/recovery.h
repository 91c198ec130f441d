// Opens a journal's directory after whatever happened to it (ENGINE §7): reads the feet of sealed
// segments, every byte of the last one, and tells damage from a torn tail.
#pragma once

#include <optional>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/index.h"
#include "log/journal/manifest.h"
#include "log/journal/sealed_segments.h"
#include "log/journal/segment_writer.h"
#include "log/journal/synced_mark.h"
#include "millrace/logging.h"

namespace millrace::log::journal {

struct Recovered {
  JournalId journal;
  Catalog catalog;
  FrameNumber last_frame;
  std::optional<SegmentWriter> last;  // the segment that is written to
  std::optional<SyncedMark> mark;
  Manifest manifest;
  std::vector<FrameStore::SetAside> set_aside;
};

// Effect: fills the index and the list of sealed segments. Everything in it is durable. REQUIRES: the directory's lock is held.
// Errors: as FrameStore::open().
Result<Recovered> recover(const Directory& directory, Timestamp now, Index& index,
                          SealedSegments& sealed, Logger& logger);

}  // namespace millrace::log::journal
