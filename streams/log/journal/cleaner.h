// Frees space: takes away segments in which nothing is live, and copies what is live out of others,
// partition by partition, leaving out what compaction takes (ENGINE §7). Offsets never change.
//
// A pass makes new segments of copies, then writes a manifest that names what is live; until then nothing
// of it is in the journal. Readers of a segment that goes keep its open file.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/cleaning_choice.h"
#include "log/journal/compaction.h"
#include "log/journal/copies_writer.h"
#include "log/journal/index.h"
#include "log/journal/sealed_segments.h"
#include "millrace/logging.h"

namespace millrace::log::journal {

struct CleanerOptions {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::size_t key_memory = std::size_t{64} << 20;         // for the keys of one partition
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20;  // what copies leave free on the disk
};

// One thread at a time, beside the writer and readers.
class Cleaner {
 public:
  // `stop`: once it is set, by any thread, clean() returns soon, without effect.
  Cleaner(const Directory& directory, CleanerOptions options, Manifest manifest,
          SealedSegments& sealed, Index& index, const std::atomic<bool>& stop, Logger& logger);
  ~Cleaner();

  // Effect: goes on with what is under way, or begins what is worth it; stops soon after `budget` bytes
  // were read. `catalog`: as of any moment since the last call. True: there is more to do at once.
  // Errors: kRetry, no room for copies beside the reserve, all is as before; kFatal: damage (file and
  // byte), or a disk that fails: nothing is cleaned until the journal is opened again, which goes on
  // otherwise.
  Result<bool> clean(const Catalog& catalog, Timestamp now, std::uint64_t budget);

 private:
  struct Pass;

  Result<bool> take_away_dead(const Catalog& catalog);
  Result<std::unique_ptr<Pass>> begin(const Catalog& catalog, Timestamp now);
  Status copy_partition(Pass& pass, const Catalog& catalog, Timestamp now);
  Status compact(Pass& pass, PartitionKey where, const Catalog::Topic& topic, Timestamp now);
  Status note(Pass& pass, PartitionKey where, Compaction& compaction);
  Status keep(Pass& pass, PartitionKey where, Compaction& compaction, Timestamp now);
  Result<FrameBatch> read(Pass& pass, PartitionKey where, const SegmentPtr& source,
                          const BatchEntry& entry);
  Status write(Pass& pass, const FrameBatch& batch, bool compacted, Timestamp now);
  Status check_room(const Pass& pass);
  Status finish_writer(Pass& pass, std::unique_ptr<CopiesWriter>& writer);
  Status finish(Pass& pass);
  Status install(const std::vector<SealedSegment>& before, const std::vector<SegmentPtr>& gone,
                 std::vector<CopiesWriter::Finished>& come);
  Status failed(const FileError& error);
  void abandon();

  Directory directory_;
  CleanerOptions options_;
  Manifest manifest_;
  SealedSegments& sealed_;
  Index& index_;
  const std::atomic<bool>& stop_;
  Logger& logger_;
  std::unique_ptr<Pass> pass_;
  CleaningChoice choice_;
  std::uint64_t wants_room_ = 0;  // what the pass that ran out of room would have needed, at least
  Status ended_;
};

}  // namespace millrace::log::journal
