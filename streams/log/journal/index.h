// Which batch of a partition holds an offset or a time, and where it lies. Of sealed segments it
// holds the table of pages and reads pages when asked; of others, every batch.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "log/journal/frame_store.h"
#include "log/journal/segment_file.h"

namespace millrace::log::journal {

using SegmentPtr = std::shared_ptr<const Segment>;

// The pages that were read last. Thread-safe.
class PageCache {
 public:
  using Entries = std::shared_ptr<const std::vector<BatchEntry>>;

  // Errors: kFatal, file and byte.
  Result<Entries> get(const SegmentPtr& segment, PartitionKey where, const IndexPage& page);
  void clear();

 private:
  struct Slot {
    SegmentPtr segment;
    std::uint64_t at = 0;
    Entries entries;
  };
  static constexpr std::size_t kSlots = 64;

  std::mutex mutex_;
  std::list<Slot> slots_;  // guarded by mutex_; the last used first
};

// Thread-safe.
class Index {
 public:
  // Segments are added in the order of their frames.
  void add(const SegmentPtr& segment, SegmentPages pages);
  void add(const SegmentPtr& segment, SegmentEntries entries);
  // Effect: adds the batches of one frame to the segment that was added last.
  void add(const SegmentPtr& segment, const std::vector<FrameBatch>& batches,
           const std::vector<BatchEntry>& entries);

  // All batches of a segment that is not sealed.
  SegmentEntries entries(const SegmentPtr& segment) const;
  // Effect: its pages take the place of its entries.
  void seal(const SegmentPtr& segment, SegmentPages pages);
  // Effect: the last segment's batches at `from` and behind lie in another one now, from `to` on.
  void move(const SegmentPtr& segment, std::uint64_t from, const SegmentPtr& other,
            std::uint64_t to);

  // What a sealed segment holds of each partition. What was never compacted lies behind what was.
  struct Use {
    Offset base;
    Offset next;
    std::uint64_t bytes = 0;
    std::uint64_t dirty = 0;  // of it, what was never compacted

    std::uint64_t clean() const { return bytes - dirty; }
  };
  using Uses = std::map<PartitionKey, Use>;
  std::shared_ptr<const Uses> uses(const SegmentPtr& segment) const;
  // Its batches of one partition. Errors: kFatal, file and byte.
  Result<std::vector<BatchEntry>> batches(const SegmentPtr& segment, PartitionKey where) const;
  // Effect: in each partition the parts of `gone` are replaced by those of `come`, in this order, at
  // the place of the first. REQUIRES: they lie next to each other in each partition.
  void replace(const std::vector<SegmentPtr>& gone,
               std::vector<std::pair<SegmentPtr, SegmentPages>> come);

  // What retention lets go.
  struct Retention {
    std::optional<Timestamp> limit;  // what was appended before
    Timestamp now;                   // what says that it was appended later was at an unknown time
    std::optional<std::uint64_t> keep;  // as many bytes as leave at least so many
  };
  // Where the partition, which starts at `start`, starts once its oldest batches are gone. Errors:
  // kFatal, file and byte.
  Result<Offset> start_without(PartitionKey where, Offset start, const Retention& retention) const;

  Result<std::optional<BatchLocation>> find(PartitionKey where, Offset offset) const;
  Result<std::optional<BatchLocation>> find_time(PartitionKey where, Timestamp at_least,
                                                 Offset from) const;
  std::uint64_t bytes(PartitionKey where) const;

 private:
  // What one segment holds of one partition: pages or entries.
  struct Part {
    SegmentPtr segment;
    PartitionPages sealed;
    std::vector<BatchEntry> entries;
    std::uint64_t bytes = 0;

    Offset next() const { return entries.empty() ? sealed.pages.back().next : entries.back().next; }
  };
  // Where to go on looking: a batch, or a page to read.
  struct Step {
    SegmentPtr segment;
    std::optional<BatchEntry> entry;
    IndexPage page;
  };

  void replace(PartitionKey where, const std::set<SegmentPtr>& gone,
               std::vector<std::pair<SegmentPtr, SegmentPages>>& come);
  template <class Fits>
  std::optional<Step> first(PartitionKey where, Offset offset, Fits fits) const;
  template <class Fits>
  Result<std::optional<BatchLocation>> search(PartitionKey where, Offset offset, Fits fits) const;

  // Whoever writes waits for it: nobody holds it for longer than one partition takes.
  mutable std::mutex mutex_;
  std::map<PartitionKey, std::vector<Part>> parts_;         // guarded by mutex_; by offset
  std::map<SegmentPtr, std::shared_ptr<const Uses>> uses_;  // guarded by mutex_; of sealed ones
  mutable PageCache pages_;
};

}  // namespace millrace::log::journal
