// Frees space: takes away segments in which nothing is live, and copies what is live out of others,
// partition by partition, leaving out what compaction takes (ENGINE §7). Offsets never change.
//
// A pass makes new segments of copies, then writes a manifest that names what is live; until then nothing
// of it is in the journal. Readers of a segment that goes keep its open file.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/cleanup_policy.h"
#include "log/journal/copies_writer.h"
#include "log/journal/index.h"
#include "log/journal/sealed_segments.h"
#include "millrace/logging.h"

namespace millrace::log::journal {

struct CleanerOptions {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::size_t key_memory = std::size_t{64} << 20;  // for the keys of one partition
};

// One thread at a time, beside the writer and readers.
class Cleaner {
 public:
  Cleaner(const Directory& directory, CleanerOptions options, Manifest manifest,
          SealedSegments& sealed, Index& index, Logger& logger);
  ~Cleaner();

  // Effect: goes on with what is under way, or begins what is worth it; stops soon after `budget` bytes
  // were read. `catalog`: as of any moment since the last call. True: there is more to do at once.
  // Errors: kRetry, no room for copies, all is as before; kFatal: damage (file and byte), or a disk
  // that fails: nothing is cleaned until the journal is opened again, which goes on otherwise.
  Result<bool> clean(const Catalog& catalog, Timestamp now, std::uint64_t budget);

 private:
  struct Pass;

  bool is_dead(const Catalog& catalog, PartitionKey where, Offset next) const;
  Result<bool> take_away_dead(const Catalog& catalog);
  std::unique_ptr<Pass> choose(const Catalog& catalog) const;
  std::unique_ptr<Pass> choose_copies(const Catalog& catalog,
                                      const std::vector<SealedSegment>& all) const;
  void begin(Pass& pass, const Catalog& catalog) const;
  Status copy_partition(Pass& pass, const Catalog& catalog, Timestamp now);
  Status compact(Pass& pass, PartitionKey where, const Catalog::Topic& topic, Timestamp now);
  Status write(Pass& pass, const FrameBatch& batch, bool compacted, Timestamp now);
  Status finish_writer(Pass& pass, std::unique_ptr<CopiesWriter>& writer);
  Status finish(Pass& pass);
  Status install(const std::vector<SealedSegment>& before, const std::vector<SegmentPtr>& gone,
                 std::vector<CopiesWriter::Finished> come);
  Status failed(const FileError& error);
  void abandon();

  Directory directory_;
  CleanerOptions options_;
  Manifest manifest_;
  SealedSegments& sealed_;
  Index& index_;
  Logger& logger_;
  std::unique_ptr<Pass> pass_;
  Status ended_;
};

}  // namespace millrace::log::journal
