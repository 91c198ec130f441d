// Which records of a compacted partition stay: the newest of each key, at their offsets.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>

#include "log/journal/cleanup_policy.h"
#include "log/journal/frame_codec.h"
#include "log/journal/key_digest.h"

namespace millrace::log::journal {

// One partition in one pass of the cleaner: note() the batches that were never compacted, in order, as
// long as it takes more; then keep() all batches, in order. What it did not take stays as it is, for
// the next pass. Not thread-safe.
class Compaction {
 public:
  // What the keys may take; `records`: as many may have one.
  struct Memory {
    std::size_t bytes = 0;
    std::uint64_t records = 0;
  };
  Compaction(const CleanupPolicy& policy, Offset start, Timestamp now, Memory memory);

  // Effect: learns the keys of a batch, as far as there is room. Returns whether it takes more.
  bool note(const FrameBatch& batch);
  // Whether it took no more because there was no room.
  bool is_full() const { return full_; }

  // What stays of a batch: what was looked at, and behind it what is as it was. They borrow until the
  // next call.
  struct Kept {
    std::optional<FrameBatch> compacted;
    std::optional<FrameBatch> rest;
  };
  Kept keep(const FrameBatch& batch);

  Offset start() const { return start_; }  // what is below goes
  bool damaged() const { return damaged_; }

  // Whether a batch is old enough to be compacted.
  static bool is_due(const CleanupPolicy& policy, Timestamp append_time, Timestamp now);

 private:
  bool stays(const RecordView& record, bool tombstones_may_go) const;
  bool note(const RecordView& record);

  CleanupPolicy policy_;
  Offset start_;
  Timestamp now_;
  std::size_t most_keys_;
  boost::unordered_flat_map<KeyDigest, Offset, KeyDigestHash> newest_;
  std::optional<Offset> end_;  // from here on nothing is taken out
  bool full_ = false;
  RecordEncoder encoder_;
  RecordEncoder rest_;
  bool damaged_ = false;
};

}  // namespace millrace::log::journal
