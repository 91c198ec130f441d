// The journal's files: one directory of segments to which frames are appended. Opens after any crash
// or power cut with every frame that was synced; what is torn behind them is set aside and named; what
// is damaged below is refused (ENGINE §7).
//
//   auto opened = FrameStore::open(options);
//   store.append(frame, catalog);      // written, not yet durable
//   store.sync();                      // now it is: tell the producers, show it to the readers
//   store.find(where, offset) → store.read(position)
//
// Files: docs/format/journal.md. It knows nothing of visibility, groups or producers: that is
// journal_log.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/file_system.h"
#include "log/journal/frame.h"
#include "millrace/clock.h"
#include "millrace/logging.h"
#include "millrace/result.h"

namespace millrace::log::journal {

struct FrameStoreOptions {
  std::string directory;
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;     // a frame may be longer than a segment
  std::uint64_t max_frame_bytes = std::uint64_t{256} << 20;  // max.transaction.bytes
  // What is not synced is kept in memory, to be written anew should an fdatasync fail: where more
  // than this has come together, append() syncs by itself.
  std::uint64_t max_unsynced_bytes = std::uint64_t{8} << 20;
  // For the keys of a partition that is compacted. What has more is compacted in several passes.
  std::size_t key_memory = std::size_t{64} << 20;
};

// Where a batch lies. Stays valid while somebody holds it, also after its segment was cleaned; read()
// finds it again by itself where a failed fdatasync had it written anew.
struct BatchLocation {
  PartitionKey where;
  std::shared_ptr<const class Segment> segment;
  std::uint64_t at = 0;
  std::uint32_t size = 0;
  Offset base;
  Offset next;
};

// A batch read from disk, its checksum verified.
struct StoredBatch {
  Offset base;
  Offset next;
  Timestamp append_time;
  Timestamp max_timestamp;
  Bytes encoded;  // for RecordDecoder
};

class FrameStore {
 public:
  // Something of the directory that was not taken over, kept beside it.
  struct SetAside {
    std::string file;  // torn-<frame number>
    std::string why;   // never acknowledged as durable; so many bytes
  };
  struct Opened {
    std::unique_ptr<FrameStore> store;
    Catalog catalog;
    std::vector<SetAside> set_aside;
  };

  // Effect: takes the directory's lock, recovers, makes it if it is not there.
  // Errors (kFatal, one clear message: what is wrong with which file at which byte, what was kept,
  // what to do): another process holds it (its pid, since when); damage; a foreign or newer file;
  // no right to read or write; a read-only or full disk.
  static Result<Opened> open(FrameStoreOptions options, FileSystem& files, const Clock& clock,
                             Logger& logger);
  ~FrameStore();

  // --- one thread at a time --------------------------------------------------------------------

  struct Appended {
    FrameNumber number;
    std::vector<BatchLocation> batches;  // as in the frame
  };
  // Effect: writes the frame behind the last one. `before`: the catalog as it is without it; goes
  // to the head of a new segment, should one be begun. Can be read at once; is durable after sync().
  // Errors: kRetry if there is no room (nothing was written, all is as before, says so);
  // kAbort if the frame is longer than max_frame_bytes; kFatal if the directory cannot be trusted any more.
  Result<Appended> append(const Frame& frame, const Catalog& before);

  // Effect: everything appended is durable. A failed fdatasync is met by writing the frames since
  // the last good one anew (ENGINE §7); kRetry: there is no room for that now, call again;
  // kFatal: the journal cannot go on, and what was not synced must not be acknowledged.
  Status sync();
  bool all_synced() const;

  // --- any thread --------------------------------------------------------------------------------

  // The batch that holds this offset, or the first behind it; nullopt: nothing is that far. What was
  // deleted may still be there: the caller knows where the partition starts.
  // Errors: kFatal: the index is damaged or cannot be read: file and byte.
  Result<std::optional<BatchLocation>> find(PartitionKey where, Offset offset) const;
  // Of the batches that end behind `from`, the first that holds a record with at least this timestamp
  // (Kafka's offsetsForTimes; `from`: where the partition starts).
  Result<std::optional<BatchLocation>> find_time(PartitionKey where, Timestamp at_least,
                                                 Offset from) const;
  // Errors: kFatal: the batch is damaged or cannot be read: file and byte.
  Result<StoredBatch> read(const BatchLocation& where) const;

  // --- one thread at a time, beside the one that appends -----------------------------------------

  // Which records their topics' retention.ms (by the time of appending) and retention.bytes let go, of
  // topics whose cleanup.policy has `delete`: append them as one frame, then clean(). `failure` is set
  // where an index is damaged or cannot be read.
  std::vector<RecordsDeleted> expired(const Catalog& catalog, Timestamp now, Status& failure) const;

  // Effect: frees the space of what was deleted, and compacts topics whose cleanup.policy has
  // `compact` (delete.retention.ms, min.compaction.lag.ms, min.cleanable.dirty.ratio). Offsets stay,
  // and so does whatever somebody holds a BatchLocation of. Stops soon after `budget` bytes were read
  // and goes on when called again: true: there is more to do at once. `catalog`: of what is durable, as
  // of any moment since the last call.
  // Errors: kRetry, there is no room for copies beside a segment that is left to whoever writes, all is
  // as before; kFatal, damage (file and byte) or a failing disk: the journal goes on, and is not
  // cleaned.
  Result<bool> clean(const Catalog& catalog, Timestamp now, std::uint64_t budget);

  // --- any thread --------------------------------------------------------------------------------

  // Effect: clean() returns soon, at the latest behind one batch or one sync, and does nothing any more.
  // What it had begun is given up.
  void stop_cleaning();

  // Bytes in files, all in all; of one partition.
  std::uint64_t bytes() const;
  std::uint64_t bytes(PartitionKey where) const;

 private:
  struct State;
  explicit FrameStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::log::journal
