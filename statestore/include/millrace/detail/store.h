// The life of a store in a task, whatever its kind: written by nodes in a transaction, read out for
// the changelog, committed or aborted, filled again from the changelog.
//
//   store.write_changes(writer);   // serialize each changed cell once; write_some(): in slices
//   store.commit(range) | store.abort();
//   store.set_savepoint(); ...; store.release_savepoint() | store.roll_back();   // within a transaction
//   store.restore(key, value, timestamp, offset);   // in the order of the changelog
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/bytes.h"
#include "millrace/detail/task_memory.h"
#include "millrace/ids.h"
#include "millrace/result.h"
#include "millrace/time.h"

namespace millrace::state {

enum class StoreKind { kKeyValue, kTimestampedKeyValue, kWindow, kTimestampedWindow, kSession };

// Takes the changelog records of one commit, in order. The views live for the call.
class ChangelogWriter {
 public:
  virtual ~ChangelogWriter() = default;
  virtual void write(BytesView key, OptionalBytesView value, Timestamp timestamp) = 0;
};

// The changelog offsets that a commit wrote for one store; both kNoOffset where it has no changelog
// or wrote nothing.
struct ChangelogRange {
  Offset first = kNoOffset;
  Offset last = kNoOffset;
};

// Not thread-safe: belongs to one task. A store may lie over a disk (disk_table.h); then whatever
// reads it may throw StateError where the disk fails or holds what cannot be decoded.
class Store {
 public:
  virtual ~Store() = default;

  virtual const std::string& name() const = 0;
  virtual StoreKind kind() const = 0;

  // Effect: what the store keeps of time goes into these slots. Called once, before any use.
  virtual void bind(TaskMemory& memory) = 0;

  // Effect: writes the next changed cells, at most `budget`, and takes them off it; each once, in the
  // order of first change: bytes as Kafka Streams writes them (SEMANTICS §3.4, §3.5). If some of the
  // budget is left all are written; a further call then begins anew, as behind an abort.
  // Errors: what a serde throws; the store is unchanged, the transaction must be aborted.
  // REQUIRES: nothing is changed between two slices.
  virtual void write_some(ChangelogWriter& writer, std::size_t& budget) = 0;
  // The same for all of them.
  void write_changes(ChangelogWriter& writer) {
    std::size_t all = static_cast<std::size_t>(-1);
    write_some(writer, all);
  }

  virtual bool has_changes() const = 0;

  // Effect: the changes stay, what they replaced is forgotten. Cannot fail, and neither can
  // abort().
  virtual void commit(ChangelogRange written) = 0;
  virtual void abort() = 0;

  // --- one step of the transaction, undone alone (ENGINE §4) ------------------------------------

  // Effect: from here on what is changed can be taken back alone. REQUIRES: no savepoint is set.
  virtual void set_savepoint() = 0;
  // Effect: what was changed since the savepoint stays in the transaction, or is as it was then.
  // Cannot fail. REQUIRES: a savepoint is set; it is gone then, as after commit() and abort().
  virtual void release_savepoint() = 0;
  virtual void roll_back() = 0;
  // Effect: writes what was changed since the savepoint as write_changes() would, to learn whether it
  // can be: nothing else comes of it. Errors: what a serde and the writer throw.
  virtual void check_changes(ChangelogWriter& writer) = 0;

  // The changelog offset up to which the store already holds what was written: what its disk said at
  // the opening, later what restore() got; kNoOffset: nothing. A restore goes on behind it.
  virtual Offset restored_to() const { return kNoOffset; }

  // Effect: applies one changelog record. REQUIRES: no open changes; restored in the order of
  // offsets; a store with a disk: nothing was read or written yet.
  // Errors: kFatal with the store's name and the offset if the bytes cannot be decoded; nothing is
  // applied, nothing is skipped.
  virtual Status restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                         Offset offset) = 0;

  // Effect: the last record is restored: what of it is on its way to the disk gets there as soon as
  // can be. restored() says when, to be asked again when the disk wakes; the store is not used before.
  virtual void finish_restore() {}
  virtual bool restored() const { return true; }

  // Effect: frees up to about so many bytes of what the disk has, too, and was not used for a while,
  // in one bounded step. Returns how many; 0 also where it only looked around: worth another call.
  // A store without a disk frees nothing. Pointers to its cells and values end.
  virtual std::size_t evict(std::size_t bytes) {
    static_cast<void>(bytes);
    return 0;
  }

  // Records below this offset of the changelog are not needed any more; nullopt: nothing may go.
  // Only windowed stores can tell (DESIGN §7, History).
  virtual std::optional<Offset> purge_below() const = 0;

  // Memory held, an estimate: cells, keys, old values.
  virtual std::size_t bytes() const = 0;

  // Effect: from now on each commit decodes again what it wrote, so that a field that a serde drops
  // shows at once (hostile tests, ENGINE §9). A commit then throws SerdeError, behind everything
  // else that it does, if what was written cannot be read back.
  virtual void forget_typed_values(bool on) = 0;
};

}  // namespace millrace::state
