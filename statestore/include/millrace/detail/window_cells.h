// The window store on a fixed grid (tumbling, hopping): window start → (key → cell). A segment is a
// window: dropping one that nobody can read any more is dropping one table (DESIGN §4). On disk:
// `8 bytes start ‖ key`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "millrace/detail/any_window_cells.h"

namespace millrace::state {

class WindowCells final : public AnyWindowCells {
 public:
  // REQUIRES: size > 0, retention >= size. `disk`: outlives the store; nullptr: none.
  WindowCells(std::string name, Duration size, Duration retention, const ValueType& type,
              std::unique_ptr<ValueCodec> codec, DiskTable* disk = nullptr);
  ~WindowCells() override;

  Duration window_size() const override { return size_; }

  Cell* find(BytesView key, std::int64_t start_ms) override;

  // Effect: notes that this start was put (R-W5), then the cell of this key and window, made empty
  // if there is none. REQUIRES: start_ms >= 0; readable(start_ms).
  Cell& at(BytesView key, std::int64_t start_ms);

  Cell& put_at(BytesView key, std::int64_t start_ms) override { return at(key, start_ms); }

  // Effect: what the disk has of these keys in this window is in memory, read in one go.
  void prefetch(std::span<const BytesView> keys, std::int64_t start_ms);

  // Readable starts in [from, to] that may hold anything, ascending.
  std::vector<std::int64_t> starts(std::int64_t from_ms, std::int64_t to_ms) const;

  void fetch(BytesView key, std::int64_t from_ms, std::int64_t to_ms, ScanOrder order,
             const Visit& visit) override;
  // By start, then by key bytes, or backward in both.
  void scan(const Range& range, ScanOrder order, const Visit& visit) override;

 private:
  std::int64_t segment_number(std::int64_t time_ms) const override { return time_ms; }
  std::int64_t last_time(std::int64_t segment) const override { return segment; }
  Segment& segment_of(const Cell& cell) const override;
  void write_changelog_key(const Cell& cell, Bytes& out) const override;
  void write_disk_key(const EntryKey& key, Bytes& out) const override;
  EntryKey entry_key(const Cell& cell) const override;
  std::optional<EntryKey> parse(BytesView changelog_key, std::string& reason) const override;
  Cell* find_in(Segment& segment, const EntryKey& key) override;
  Cell& make_in(Segment& segment, const EntryKey& key) override;
  bool may_go(const Cell& indexed) const override;
  Cell* load(Segment& segment, BytesView key, std::uint64_t hash);

  const Duration size_;
};

}  // namespace millrace::state
