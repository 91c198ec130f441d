// What is worth a pass of the cleaner: which segments it takes away, and which it copies.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/cleanup_policy.h"
#include "log/journal/index.h"
#include "log/journal/sealed_segments.h"

namespace millrace::log::journal {

// Not thread-safe. `all`, in each: SealedSegments::all(); `catalog`: of what is durable.
class CleaningChoice {
 public:
  explicit CleaningChoice(const Index& index) : index_(index) {}

  // Whether everything of a partition that ends at `next` was deleted.
  static bool is_dead(const Catalog& catalog, PartitionKey where, Offset next);

  // The segments in which nothing is live.
  std::vector<SegmentPtr> dead(const std::vector<SealedSegment>& all, const Catalog& catalog) const;

  // What one pass copies.
  struct Work {
    std::vector<SegmentPtr> sources;  // in the order of their offsets
    bool compacts = false;            // the policies of their topics are followed
  };
  // nullopt: nothing is worth it. Errors: kFatal, file and byte.
  Result<std::optional<Work>> choose(const std::vector<SealedSegment>& all, const Catalog& catalog,
                                     Timestamp now);

  // Effect: what a pass left of the partition, for want of memory, is worth the next one however
  // little it is: a ratio that is met once in a while would leave most of it for ever.
  void note_unfinished(PartitionKey where) { unfinished_.insert(where); }

 private:
  std::optional<Work> choose_copies(const std::vector<SealedSegment>& all,
                                    const Catalog& catalog) const;
  Result<std::uint64_t> due_bytes(const SegmentPtr& segment, PartitionKey where,
                                  const Index::Use& use, const CleanupPolicy& policy, Timestamp now,
                                  std::set<PartitionKey>& too_young) const;

  const Index& index_;
  std::set<PartitionKey> unfinished_;
};

}  // namespace millrace::log::journal
