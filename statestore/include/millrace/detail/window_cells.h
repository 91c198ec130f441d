// The window store on a fixed grid (tumbling, hopping): window start → (key → cell). Dropping a
// window that nobody can read any more is dropping one table (DESIGN §4).
//
// A window can be read iff start >= observed − retention + 1, where observed is the greatest start
// ever put, whatever the key (SEMANTICS R-W5). Reads filter at once; tables go after the commit.
//
// Over a disk, whose key is `8 bytes start ‖ key`, a window that began since the opening never asks it
// before eviction took something. The disk keeps two kinds of facts: "observed", and of each window
// the lowest changelog offset that holds a record of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "millrace/detail/cell_table.h"
#include "millrace/detail/store.h"
#include "millrace/detail/undo.h"

namespace millrace::state {

class Overlay;

class WindowCells final : public Store {
 public:
  // REQUIRES: size > 0, retention >= size. `disk`: outlives the store; nullptr: none.
  WindowCells(std::string name, Duration size, Duration retention, const ValueType& type,
              std::unique_ptr<ValueCodec> codec, DiskTable* disk = nullptr);
  ~WindowCells() override;

  const ValueType& type() const { return type_; }
  Duration window_size() const { return size_; }
  Duration retention() const { return retention_; }

  // True iff a read may show a window of this start.
  bool readable(std::int64_t start_ms) const;

  // The cell of this key and window, or nullptr; nullptr also where the window is not readable. May
  // ask the disk, once.
  Cell* find(BytesView key, std::int64_t start_ms);

  // Effect: notes that this start was put (R-W5), then the cell of this key and window, made empty
  // if there is none. REQUIRES: start_ms >= 0; readable(start_ms).
  Cell& at(BytesView key, std::int64_t start_ms);

  // Effect: notes that this start was put, without touching a cell (a put of null: R-W5).
  void observe(std::int64_t start_ms);

  // As KeyValueCells::change().
  void* change(Cell& cell) { return changes_.note(cell); }

  // Effect: what the disk has of these keys in this window is in memory, read in one go.
  void prefetch(std::span<const BytesView> keys, std::int64_t start_ms);

  // What a scan is about: key_from <= key < key_to (nullopt: unbounded), and starts in [from, to], both
  // inclusive.
  struct Range {
    OptionalBytesView key_from = {};
    OptionalBytesView key_to = {};
    std::int64_t from_ms = 0;
    std::int64_t to_ms = INT64_MAX;
  };
  // Readable windows with a value, ordered by start, then by key bytes, or backward in both;
  // `visit` is given the start. One key: by find() on the grid. REQUIRES: `visit` uses no function of
  // this store. Lifetime of a cell: the call.
  void scan(const Range& range, ScanOrder order,
            const std::function<bool(std::int64_t start_ms, const Cell&)>& visit);

  // Readable starts in [from, to] that may hold anything, ascending: for fetch(key, from, to).
  std::vector<std::int64_t> starts(std::int64_t from_ms, std::int64_t to_ms) const;

  const std::string& name() const override { return name_; }
  StoreKind kind() const override { return StoreKind::kTimestampedWindow; }
  void bind(TaskMemory& memory) override;  // slot "<name>:s", persisted: the observed start
  void write_changes(ChangelogWriter& writer) override;
  bool has_changes() const override { return !changes_.empty(); }
  void commit(ChangelogRange written) override;
  void abort() override;
  Offset restored_to() const override;
  Status restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                 Offset offset) override;
  void finish_restore() override;
  bool restored() const override;
  std::size_t evict(std::size_t bytes) override;
  std::optional<Offset> purge_below() const override;
  std::size_t bytes() const override { return footprint_.bytes; }
  void forget_typed_values(bool on) override { forget_ = on; }

 private:
  // The cells of one window; its tag is the window's start.
  struct Segment : CellTable {
    using CellTable::CellTable;
    Offset lowest = kNoOffset;  // first changelog offset that holds a record of this window
    bool on_disk = false;       // the disk knows of it, from a fact with its lowest offset
    bool all_in_memory = true;  // the disk has nothing that memory has not
    bool touched = false;       // in the list that touched_ begins
    Segment* next_touched = nullptr;
  };
  using Segments = std::map<std::int64_t, std::unique_ptr<Segment>>;

  std::int64_t least_readable() const;
  Cell* load(Segment& segment, BytesView key, std::uint64_t hash);
  Segment& segment_at(std::int64_t start_ms);
  void gather_touched();
  void release_touched();
  static Segment& segment_of(const Cell& cell);
  void tell_disk();
  void tell_disk_of(Segment& segment);
  void drop(Segments::iterator at);
  void drop_unreadable();
  void dismantle(std::size_t budget);
  void observe_committed(std::int64_t start_ms);
  void restore_to_disk(BytesView key, std::int64_t start_ms, OptionalBytesView value,
                       Timestamp timestamp, Offset offset);

  const std::string name_;
  const Duration size_;
  const Duration retention_;
  const ValueType& type_;
  const std::unique_ptr<ValueCodec> codec_;
  Footprint footprint_;
  Segments segments_;
  Segments dropped_;                   // unreachable; destroyed in slices
  Segment* touched_ = nullptr;         // by the transaction that ends just now
  Offset lowest_dropped_ = kNoOffset;  // least changelog offset of a record that nobody needs
  ChangeList changes_;  // after the segments: at the end the cells outlive their old values
  const std::unique_ptr<Overlay> overlay_;                // null: memory is all there is
  std::int64_t observed_on_disk_ = TaskMemory::kUnknown;  // what the disk knows of observed_
  std::int64_t evict_from_ = 0;                           // the start where eviction goes on
  TaskMemory* memory_ = nullptr;
  MemorySlot observed_;
  Bytes key_buffer_;
  Bytes value_buffer_;
  bool forget_ = false;
};

}  // namespace millrace::state
