// One partition as the running process knows it: which offsets are given out, which are settled, and
// the newest records, shared by all readers.
//
//   start <= memory_from <= settled_end <= end
//
// Below memory_from records are read from disk; below settled_end every transaction has ended and is
// durable: it is what Kafka calls the last stable offset; end is where the next record goes.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/frame.h"
#include "log/journal/journal_transaction.h"
#include "log/reader.h"

namespace millrace::log::journal {

// Records that one flush put into one partition. Immutable.
using FlushedRecords = RecordEncoder;

// Bytes of consecutive records, from memory or from disk, and who owns them.
struct RecordLoan {
  std::shared_ptr<const Bytes> encoded;
  Offset base;
  Offset next;
};

// Guarded by the journal's mutex, but what says otherwise.
class LivePartition {
 public:
  // Consecutive offsets of one fate.
  struct Entry {
    Offset base;
    Offset next;
    std::shared_ptr<const FlushedRecords> records;    // nullptr: a marker
    std::shared_ptr<JournalTransaction> transaction;  // nullptr: settled
    bool aborted = false;                             // settled so
  };
  struct Watcher {
    Inbox* inbox;
    Isolation isolation;
  };

  LivePartition(TopicPartition where, PartitionKey key, PartitionState state)
      : where_(std::move(where)),
        key_(key),
        start_(state.start),
        settled_end_(state.next),
        end_(state.next) {}

  const TopicPartition& where() const { return where_; }
  PartitionKey key() const { return key_; }

  Offset start() const { return start_; }
  Offset memory_from() const { return entries_.empty() ? end() : entries_.front().base; }
  // Any thread, without the mutex: perhaps of a moment ago.
  Offset end() const { return end_.load(std::memory_order_acquire); }
  Offset readable_end(Isolation isolation) const {
    return isolation == Isolation::kReadUncommitted ? end()
                                                    : settled_end_.load(std::memory_order_acquire);
  }

  // Effect: gives out the next offsets to these records. Returns the first.
  Offset append(std::shared_ptr<const FlushedRecords> records,
                const std::shared_ptr<JournalTransaction>& transaction);
  // Effect: gives out one offset that holds no record, as Kafka's commit and abort markers do.
  void append_marker(const std::shared_ptr<JournalTransaction>& transaction);

  // The entries that are not settled, in the order of their offsets.
  auto unsettled_begin() const { return entries_.begin() + static_cast<std::ptrdiff_t>(settled_); }
  auto unsettled_end() const { return entries_.end(); }

  // Effect: moves the settled end behind transactions that are settled now. Returns the bytes that
  // each entry it passed keeps in memory until evict_front() was called as often.
  std::vector<std::size_t> settle();
  // Effect: the oldest entry is on disk only. REQUIRES: it is settled.
  void evict_front();

  // The entry that holds this offset, or the first behind it; nullptr: none. REQUIRES: offset >=
  // memory_from().
  const Entry* find(Offset offset) const;

  // Effect: records below are gone. REQUIRES: offset <= the settled end.
  void set_start(Offset offset) { start_ = offset; }

  void watch(const Watcher& watcher) { watchers_.push_back(&watcher); }
  void unwatch(const Watcher& watcher) { std::erase(watchers_, &watcher); }
  // Effect: wakes who reads committed, or everything, or both.
  void wake_watchers(Isolation isolation) const;
  void wake_watchers() const;

 private:
  const TopicPartition where_;
  const PartitionKey key_;
  Offset start_;
  std::deque<Entry> entries_;  // consecutive, the last ends at end_
  std::size_t settled_ = 0;    // so many of them, from the front
  std::atomic<Offset> settled_end_;
  std::atomic<Offset> end_;
  std::vector<const Watcher*> watchers_;
};

}  // namespace millrace::log::journal
