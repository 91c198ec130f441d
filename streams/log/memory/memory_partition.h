// One partition: segments of records, the offsets that markers took, the transactions open in it,
// and whoever waits for it to change.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

#include "log/memory/segment.h"
#include "log/producer.h"

namespace millrace::log::memory {

class MemoryPartition {
 public:
  // Told whenever there may be more to read, or nothing at all any more.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void partition_changed() = 0;
  };

  explicit MemoryPartition(const TransactionOutcomes& outcomes) : outcomes_(outcomes) {}
  MemoryPartition(const MemoryPartition&) = delete;
  MemoryPartition& operator=(const MemoryPartition&) = delete;

  // Effect: writes the record at the end, stamped as said. A transaction's first record holds the
  // last stable offset back until its marker is written. Returns the record's offset.
  Offset append(const OutgoingRecord& record, Timestamp stamp, TransactionNumber transaction);

  // Effect: writes the marker that ends the transaction here; it takes an offset, also where the
  // transaction wrote no record. REQUIRES: the outcome is decided.
  void end_transaction(TransactionNumber transaction);

  Offset start() const { return start_; }
  Offset end() const { return end_; }
  Offset last_stable() const;
  Offset readable_end(Isolation isolation) const {
    return isolation == Isolation::kReadCommitted ? last_stable() : end_;
  }

  // Effect: records below the offset are gone; frees whole segments. REQUIRES: offset <= end().
  void delete_below(Offset offset);

  // Effect: as MemoryLog::compact().
  void compact();

  // Calls `take(entry, segment)` for the records from `from` (or the start) to `to` that a reader
  // of this isolation is shown, until it returns false. REQUIRES: to <= readable_end(isolation).
  template <class Take>
  void visit(Offset from, Offset to, Isolation isolation, Take take) const;

  void watch(Watcher& watcher) { watchers_.push_back(&watcher); }
  void unwatch(Watcher& watcher) { std::erase(watchers_, &watcher); }
  void tell_watchers();

 private:
  struct Open {
    TransactionNumber transaction;
    Offset first;
  };
  bool shown(const Segment::Entry& entry, Isolation isolation) const {
    return isolation == Isolation::kReadUncommitted || !outcomes_.aborted(entry.transaction);
  }

  const TransactionOutcomes& outcomes_;
  std::deque<std::shared_ptr<Segment>> segments_;  // none is empty
  std::vector<Open> open_;                         // by first offset
  Offset start_{0};
  Offset end_{0};
  std::vector<Watcher*> watchers_;
};

template <class Take>
void MemoryPartition::visit(Offset from, Offset to, Isolation isolation, Take take) const {
  if (from < start_) from = start_;
  auto segment = std::ranges::lower_bound(
      segments_, from, {},
      [](const std::shared_ptr<Segment>& s) { return Offset((*s)[s->size() - 1].offset); });
  for (; segment != segments_.end(); ++segment) {
    for (std::size_t i = (*segment)->find(from); i < (*segment)->size(); ++i) {
      const Segment::Entry& entry = (**segment)[i];
      if (Offset(entry.offset) >= to) return;
      if (shown(entry, isolation) && !take(entry, *segment)) return;
    }
  }
}

}  // namespace millrace::log::memory
