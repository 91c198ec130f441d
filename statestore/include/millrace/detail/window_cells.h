// The window store on a fixed grid (tumbling, hopping): window start → (key → cell). Dropping a
// window that nobody can read any more is dropping one table (DESIGN §4).
//
// A window can be read iff start >= observed − retention + 1, where observed is the greatest start
// ever put, whatever the key (SEMANTICS R-W5). Reads filter at once; tables go after the commit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "millrace/detail/cell_table.h"
#include "millrace/detail/store.h"
#include "millrace/detail/undo.h"

namespace millrace::state {

class WindowCells final : public Store {
 public:
  // REQUIRES: size > 0, retention >= size.
  WindowCells(std::string name, Duration size, Duration retention, const ValueType& type,
              std::unique_ptr<ValueCodec> codec);

  const ValueType& type() const { return type_; }
  Duration window_size() const { return size_; }
  Duration retention() const { return retention_; }

  // True iff a read may show a window of this start.
  bool readable(std::int64_t start_ms) const;

  // The cell of this key and window, or nullptr; nullptr also where the window is not readable.
  Cell* find(BytesView key, std::int64_t start_ms) const;

  // Effect: notes that this start was put (R-W5), then the cell of this key and window, made empty
  // if there is none. REQUIRES: start_ms >= 0; readable(start_ms).
  Cell& at(BytesView key, std::int64_t start_ms);

  // Effect: notes that this start was put, without touching a cell (a put of null: R-W5).
  void observe(std::int64_t start_ms);

  // As KeyValueCells::change().
  void* change(Cell& cell) { return changes_.note(cell); }

  // Readable windows with a value whose start lies in [from, to], both inclusive, ordered by start,
  // then by key bytes; `visit` is given the start. One key: by find() on the grid.
  void scan(std::int64_t from_ms, std::int64_t to_ms,
            const std::function<bool(std::int64_t start_ms, const Cell&)>& visit) const;

  // Readable starts in [from, to] that hold anything, ascending: for fetch(key, from, to).
  std::vector<std::int64_t> starts(std::int64_t from_ms, std::int64_t to_ms) const;

  const std::string& name() const override { return name_; }
  StoreKind kind() const override { return StoreKind::kTimestampedWindow; }
  void bind(TaskMemory& memory) override;  // slot "<name>:s", persisted: the observed start
  void write_changes(ChangelogWriter& writer) override;
  bool has_changes() const override { return !changes_.empty(); }
  void commit(ChangelogRange written) override;
  void abort() override;
  Status restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                 Offset offset) override;
  std::optional<Offset> purge_below() const override;
  std::size_t bytes() const override { return footprint_.bytes; }
  void forget_typed_values(bool on) override { forget_ = on; }

 private:
  // The cells of one window; its tag is the window's start.
  struct Segment : CellTable {
    using CellTable::CellTable;
    Offset lowest = kNoOffset;  // first changelog offset that holds a record of this window
    bool touched = false;       // in the list that touched_ begins
    Segment* next_touched = nullptr;
  };
  using Segments = std::map<std::int64_t, std::unique_ptr<Segment>>;

  std::int64_t least_readable() const;
  Segment& segment_at(std::int64_t start_ms);
  void gather_touched();
  void release_touched();
  void drop(Segments::iterator at);
  void drop_unreadable();
  void dismantle(std::size_t budget);
  void observe_committed(std::int64_t start_ms);

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
  TaskMemory* memory_ = nullptr;
  MemorySlot observed_;
  Bytes key_buffer_;
  Bytes value_buffer_;
  bool forget_ = false;
};

}  // namespace millrace::state
