// Reading partitions at explicit offsets: what source topics, restore and tests read with. A reader
// fetches by itself in the background; the worker drains what has arrived when it has room, and not
// draining is the only back-pressure there is (a partition is never paused: KAFKA_CLIENT §5).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "log/event.h"
#include "millrace/record.h"

namespace millrace::log {

enum class Isolation {
  kReadCommitted,  // shows no record of an open or aborted transaction, nor anything behind an open one
  kReadUncommitted,  // shows all that is written
};

// Records of one drain, with whatever owns their bytes. Reused from drain to drain: keep one.
// Lifetime of the views: until the batch is drained into again or destroyed. Copy what must live
// longer: a view may pin a whole fetched buffer.
class RecordBatch {
 public:
  // Bytes that a log lends to a batch; released with it.
  class Owner {
   public:
    virtual ~Owner() = default;
  };

  void clear() {
    records_.clear();
    owners_.clear();
  }
  void add(const RecordView& record) { records_.push_back(record); }
  void keep(std::unique_ptr<Owner> owner) { owners_.push_back(std::move(owner)); }

  bool empty() const { return records_.empty(); }
  std::size_t size() const { return records_.size(); }
  auto begin() const { return records_.begin(); }
  auto end() const { return records_.end(); }
  const RecordView& operator[](std::size_t i) const { return records_[i]; }

 private:
  std::vector<RecordView> records_;
  std::vector<std::unique_ptr<Owner>> owners_;
};

// Not thread-safe: one worker uses it. Events: EndReached, OffsetOutOfRange, ReadFailed.
class LogReader {
 public:
  // Effect: ends all reading at once; must not wait.
  virtual ~LogReader() = default;

  virtual Epoch epoch() const = 0;

  // Effect: begins to fetch at `from`. The index stays this partition's until stop(), and is not
  // used again by this reader. REQUIRES: this partition is not being read by this reader.
  virtual ReaderPartition start(const TopicPartition& where, Offset from) = 0;

  // Effect: drops what was fetched and not drained. Events of this index that are already in the
  // inbox stay there.
  virtual void stop(ReaderPartition partition) = 0;

  // Effect: clears `batch`, then moves at most `max` records that have arrived into it, in the order
  // of their offsets. Never waits.
  virtual void drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) = 0;

  // The next offset to come: behind the last drained record, and behind commit markers and aborted
  // records that the reader has passed since.
  virtual Offset position(ReaderPartition partition) const = 0;

  // True while the reader knows of nothing more to drain: it has reached the end (EndReached) and
  // nothing has arrived since. False also while that is unknown (SEMANTICS R-T5).
  virtual bool caught_up(ReaderPartition partition) const = 0;
};

}  // namespace millrace::log
