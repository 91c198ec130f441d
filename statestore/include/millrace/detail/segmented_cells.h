// What stores of windows and sessions have in common: entries that belong to a time lie in segments,
// each with the cells of a stretch of time; what nobody can read any more goes a segment at a time.
//
// An entry can be read iff its time >= observed − retention + 1, where observed is the greatest time
// ever put, whatever the key (SEMANTICS R-W5). The time of a window is its start, that of a session
// its end. Reads filter at once; segments go after the commit.
//
// Over a disk a segment that began since the opening never asks it before eviction took something.
// The disk keeps two kinds of facts: "observed", and of each segment the lowest changelog offset that
// holds a record of it. Its keys begin with the segment's number, 8 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/detail/cell_table.h"
#include "millrace/detail/store.h"
#include "millrace/detail/undo.h"

namespace millrace::state {

class Overlay;

// What a store of windows or sessions is; its layout is in the derived class.
struct SegmentedSpec {
  std::string name;
  StoreKind kind;
  Duration retention;
};

class SegmentedCells : public Store {
 public:
  ~SegmentedCells() override;

  const ValueType& type() const { return type_; }
  Duration retention() const { return spec_.retention; }

  // True iff a read may show an entry of this time.
  bool readable(std::int64_t time_ms) const { return time_ms >= least_readable(); }

  // Effect: notes that this time was put, without touching a cell (a put of null: R-W5).
  void observe(std::int64_t time_ms) { memory_->raise(observed_, time_ms); }

  // As KeyValueCells::change().
  void* change(Cell& cell) { return changes_.note(cell); }

  const std::string& name() const override { return spec_.name; }
  StoreKind kind() const override { return spec_.kind; }
  void bind(TaskMemory& memory) override;  // slot "<name>:s", persisted: the observed time
  void write_some(ChangelogWriter& writer, std::size_t& budget) override;
  bool has_changes() const override { return !changes_.empty(); }
  void commit(ChangelogRange written) override;
  void abort() override;
  void set_savepoint() override { changes_.set_savepoint(); }
  void release_savepoint() override { changes_.release_savepoint(); }
  void roll_back() override;
  void check_changes(ChangelogWriter& writer) override;
  Offset restored_to() const override;
  Status restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                 Offset offset) override;
  void finish_restore() override;
  bool restored() const override;
  std::size_t evict(std::size_t bytes) override;
  std::optional<Offset> purge_below() const override;
  std::size_t bytes() const override { return footprint_.bytes; }
  void forget_typed_values(bool on) override { forget_ = on; }

 protected:
  // The cells of a stretch of time; its tag is its number.
  struct Segment : CellTable {
    using CellTable::CellTable;
    Offset lowest = kNoOffset;  // first changelog offset that holds a record of this segment
    bool on_disk = false;       // the disk knows of it, from a fact with its lowest offset
    bool all_in_memory = true;  // the disk has nothing that memory has not
    bool touched = false;       // in the list that touched_ begins
    Segment* next_touched = nullptr;
  };
  using Segments = std::map<std::int64_t, std::unique_ptr<Segment>>;

  // A key of the changelog, taken apart.
  struct EntryKey {
    BytesView key;     // the user's
    BytesView suffix;  // what stands behind it
    std::int64_t time;
  };

  // `index`: the type that segments hold: the values' own, or one that holds many of them.
  SegmentedCells(SegmentedSpec spec, const ValueType& type, const ValueType& index,
                 std::unique_ptr<ValueCodec> codec, DiskTable* disk);

  // --- the layout -------------------------------------------------------------------------------

  virtual std::int64_t segment_number(std::int64_t time_ms) const = 0;
  virtual std::int64_t last_time(std::int64_t segment) const = 0;  // that belongs to it
  virtual Segment& segment_of(const Cell& cell) const = 0;
  // Effect: the bytes that stand in the changelog, and behind the segment's number on disk.
  virtual void write_changelog_key(const Cell& cell, Bytes& out) const = 0;
  virtual void write_disk_key(const EntryKey& key, Bytes& out) const = 0;
  virtual EntryKey entry_key(const Cell& cell) const = 0;
  // nullopt: no store of this kind wrote it; `reason` says why.
  virtual std::optional<EntryKey> parse(BytesView changelog_key, std::string& reason) const = 0;
  // In memory alone: the cell of this entry or nullptr; the same, made and noted if there is none.
  virtual Cell* find_in(Segment& segment, const EntryKey& key) = 0;
  virtual Cell& make_in(Segment& segment, const EntryKey& key) = 0;
  // Whether eviction may take what the segment holds there.
  virtual bool may_go(const Cell& indexed) const = 0;
  // Effect: what is kept of vain questions to the disk goes, but for what overlay() keeps.
  virtual void forget_absent() {}

  // --- for the layout ---------------------------------------------------------------------------

  std::int64_t least_readable() const;
  Segments& segments() { return segments_; }
  const Segments& segments() const { return segments_; }
  Segment* find_segment(std::int64_t number);
  Segment& segment_at(std::int64_t number);
  ChangeList& changes() { return changes_; }
  Overlay* overlay() const { return overlay_.get(); }  // nullptr: memory is all there is
  Footprint& footprint() { return footprint_; }

 private:
  void touch(Segment& segment);
  void release_touched();
  void tell_disk_of(Segment& segment);
  void tell_disk();
  void drop(Segments::iterator at);
  void drop_unreadable();
  void dismantle(std::size_t budget);
  void observe_committed(std::int64_t time_ms);
  void restore_to_disk(const EntryKey& key, OptionalBytesView value, Timestamp timestamp,
                       Offset offset);

  const SegmentedSpec spec_;
  const ValueType& type_;
  const ValueType& index_type_;
  const std::unique_ptr<ValueCodec> codec_;
  Footprint footprint_;
  Segments segments_;
  Segments dropped_;                   // unreachable; destroyed in slices
  Segment* touched_ = nullptr;         // by the transaction or the step that ends just now
  Offset lowest_dropped_ = kNoOffset;  // least changelog offset of a record that nobody needs
  ChangeList changes_;  // after the segments: at the end the cells outlive their old values
  const std::unique_ptr<Overlay> overlay_;
  std::int64_t observed_on_disk_ = TaskMemory::kUnknown;  // what the disk knows of observed_
  std::int64_t evict_from_ = 0;                           // the segment where eviction goes on
  TaskMemory* memory_ = nullptr;
  MemorySlot observed_;
  Bytes changelog_key_;
  Bytes disk_key_;
  Bytes value_buffer_;
  bool forget_ = false;
};

}  // namespace millrace::state
