// Which records of a compacted partition stay: the newest of each key, at their offsets.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "log/journal/cleanup_policy.h"
#include "log/journal/frame_codec.h"

namespace millrace::log::journal {

// One partition in one pass of the cleaner: note() all batches that were never compacted, in order,
// then keep() all batches, in order. Not thread-safe.
class Compaction {
 public:
  Compaction(const CleanupPolicy& policy, Offset start, Timestamp now, std::size_t memory)
      : policy_(policy), start_(start), now_(now), memory_(memory) {}

  // Effect: learns the keys of a batch. Returns false where it takes no more: from this batch on all
  // stays as it is. Errors: a text, its records are malformed.
  bool note(const FrameBatch& batch);

  // Effect: what stays of the batch. nullopt: nothing. It borrows until the next call.
  std::optional<FrameBatch> keep(const FrameBatch& batch);

  bool damaged() const { return damaged_; }

 private:
  bool stays(const RecordView& record, bool tombstones_may_go) const;

  CleanupPolicy policy_;
  Offset start_;
  Timestamp now_;
  std::size_t memory_;
  std::unordered_map<std::string, Offset> newest_;
  std::size_t used_ = 0;
  std::optional<Offset> end_;  // from here on nothing is taken out
  RecordEncoder encoder_;
  bool damaged_ = false;
};

}  // namespace millrace::log::journal
