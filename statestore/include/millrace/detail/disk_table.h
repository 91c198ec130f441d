// The disk below a store: where its committed entries lie when memory is too small for them, and after
// a restart (DESIGN §4, ENGINE §6). A table is one store's part of a task's database, in the order of
// unsigned key bytes. Cells work in memory; what a commit changed goes here as one immutable batch,
// is applied in the background, and can be evicted from memory after that.
//
//   BatchNumber n = table.submit(std::move(batch));   // never waits
//   if (table.applied() >= n) ...                      // now get() and scan() know it: cells may go
//   table.get(key, entry);                             // a miss in memory: may wait for the disk
//
// The promise: a table holds at least the fold of its changelog up to offset(), because the offset
// never leads the data. Nothing else is promised, and nothing else is needed: every opening replays
// the changelog from there to its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "millrace/bytes.h"
#include "millrace/ids.h"
#include "millrace/result.h"
#include "millrace/time.h"

namespace millrace::state {

// Batches of one table are numbered in the order of submit(), from 1. 0: none.
using BatchNumber = StrongInt<struct BatchNumberTag, std::int64_t>;

// What one commit, or a piece of a restore, changed in one table. Built once, then immutable. Later
// entries of a key win. Not thread-safe while it is built.
class CommitBatch {
 public:
  struct Entry {
    BytesView key;
    OptionalBytesView value;  // nullopt: deleted
    Timestamp timestamp;
  };
  struct Range {
    BytesView from;  // inclusive
    BytesView to;    // exclusive
  };

  void put(BytesView key, BytesView value, Timestamp timestamp);
  void erase(BytesView key);
  // Effect: everything in [from, to) goes, once the entries of this batch are there: for ranges that
  // no read may show any more and nobody will write to again.
  void drop(BytesView from, BytesView to);
  // Effect: a fact of the store's own, kept beside its entries: read back by DiskTable::fact().
  // Later ones of a name win.
  void set_fact(std::string_view name, BytesView value);
  void erase_fact(std::string_view name);
  // Effect: this batch brings the table to the fold up to `last`, inclusive. Without it the table's
  // offset stays. `stamped`: the timestamp of the changelog's record at that offset, by which a
  // topic that was made anew is told from the old one; kNoTimestamp: not known.
  void covers(Offset last, Timestamp stamped = kNoTimestamp) {
    last_ = last;
    last_stamped_ = stamped;
  }

  // Effect: with this batch the table has all that its changelog had at this time of the wall clock.
  // Without it what the table knew of that stays.
  void complete_as_of(Timestamp time) { complete_as_of_ = time; }

  bool empty() const;  // whatever complete_as_of() says
  std::size_t entries() const { return entries_.size(); }
  std::size_t bytes() const;  // memory held
  Offset last() const { return last_; }
  Timestamp last_stamped() const { return last_stamped_; }
  Timestamp complete_as_of() const { return complete_as_of_; }  // kNoTimestamp: not said

  Entry entry(std::size_t i) const;
  std::size_t drops() const { return drops_.size(); }
  Range dropped(std::size_t i) const;
  std::size_t facts() const { return facts_.size(); }
  struct Fact {
    std::string_view name;
    OptionalBytesView value;  // nullopt: erased
  };
  Fact fact(std::size_t i) const;

 private:
  struct Piece {
    std::size_t at;
    std::uint32_t size;
  };
  struct Stored {
    Piece key;
    Piece value;
    bool deleted;
    Timestamp timestamp;
  };
  Piece keep(BytesView bytes);
  BytesView view(Piece piece) const { return BytesView(bytes_).substr(piece.at, piece.size); }

  Bytes bytes_;
  std::vector<Stored> entries_;
  std::vector<std::pair<Piece, Piece>> drops_;
  std::vector<Stored> facts_;  // their names stand in `key`
  Offset last_ = kNoOffset;
  Timestamp last_stamped_ = kNoTimestamp;
  Timestamp complete_as_of_ = kNoTimestamp;
};

struct DiskEntry {
  Bytes key;
  Bytes value;
  Timestamp timestamp = kNoTimestamp;
};

// A walk over a table as it was when it was made. Not thread-safe. Errors: StateError (see below)
// from valid() and next() where the disk fails or a scan ends early: never a silent short scan.
class DiskScan {
 public:
  virtual ~DiskScan() = default;
  virtual bool valid() = 0;
  // REQUIRES: valid(). Views live until next().
  virtual BytesView key() const = 0;
  virtual BytesView value() const = 0;
  virtual Timestamp timestamp() const = 0;
  virtual void next() = 0;
};

enum class ScanOrder { kForward, kBackward };

// The least bytes above everything that begins with this prefix; nullopt: there are none.
std::optional<Bytes> least_above(BytesView prefix);

// Used by the thread of the store's task; applied() by any.
// Errors: reads throw StateError (millrace/error.h: names store, task, file, what was kept, what to
// do) where the disk fails: the task backs off, nothing is skipped.
class DiskTable {
 public:
  virtual ~DiskTable() = default;

  // The changelog offset up to which this table was complete when it was opened; kNoOffset: it is new.
  virtual Offset offset() const = 0;
  // The timestamp that came with that offset (CommitBatch::covers); kNoTimestamp: not known.
  virtual Timestamp offset_stamped() const = 0;
  // A fact as of the opening; nullopt: never set.
  virtual std::optional<Bytes> fact(std::string_view name) const = 0;
  // All facts whose names begin with `prefix`, as of the opening, in the order of their names.
  virtual std::vector<std::pair<std::string, Bytes>> facts(std::string_view prefix) const = 0;

  // The wall clock by which the disk tells how old it is; kNoTimestamp: it does not.
  virtual Timestamp now() const { return kNoTimestamp; }

  // Effect: hands the batch to the applier. Never waits. Batches that memory has no room for show in
  // the budget, not here.
  virtual BatchNumber submit(CommitBatch batch) = 0;
  // The last batch such that it and all before it can be read by get() and scan(). Grows.
  virtual BatchNumber applied() const = 0;
  // Effect: what was submitted is applied as soon as can be, rather than collected: a restore's end, a
  // task that closes.
  virtual void hurry() = 0;

  // What is on disk (applied batches, at least). False: nothing.
  virtual bool get(BytesView key, Bytes& value, Timestamp& timestamp) = 0;
  // As get() for many keys in one call: `found[i]` has no value where there is nothing.
  struct Found {
    bool there = false;
    Bytes value;
    Timestamp timestamp = kNoTimestamp;
  };
  virtual void multi_get(std::span<const BytesView> keys, std::vector<Found>& found) = 0;
  // Entries with from <= key < to (nullopt: unbounded) of what is applied now.
  virtual std::unique_ptr<DiskScan> scan(OptionalBytesView from, OptionalBytesView to,
                                         ScanOrder order) = 0;

  // Why batches are not applied at the moment (a full disk), or never will be (kFatal); ok: all well.
  virtual Status health() const = 0;
};

}  // namespace millrace::state
