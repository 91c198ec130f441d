// Stores whose entries of a key have any times: (segment, key) → series, a small vector of cells in the
// order of time. What joins, sliding windows, sessions and the user's own window store stand on
// (DESIGN §4). An entry's time is followed by a second number that tells entries of one time apart:
//
//   windows      start, 4 bytes sequence (0; with duplicates 1, 2, .. per key and start)
//   sessions     end, 8 bytes start
//
// The changelog's key is `key ‖ time ‖ second` as Kafka Streams writes it (SEMANTICS §3.4). On disk:
// `8 bytes segment ‖ key, escaped ‖ time ‖ second`: every 00 in the key becomes 00 ff, and 00 00 ends
// it, so that keys that begin alike do not mix and the order is that of the keys.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/detail/any_window_cells.h"

namespace millrace::state {

// The entries of a key in a segment. Its place is the value of a cell of the segment's own.
class Series;

struct SeriesSpec {
  std::string name;
  StoreKind kind;        // kWindow, kTimestampedWindow or kSession
  Duration window_size;  // of windows; sessions: unused
  Duration retention;
  bool duplicates = false;  // windows only: entries of one key and start are kept side by side
};

class SeriesCells final : public AnyWindowCells {
 public:
  // REQUIRES: retention > 0. `disk`: outlives the store; nullptr: none.
  SeriesCells(SeriesSpec spec, const ValueType& type, std::unique_ptr<ValueCodec> codec,
              DiskTable* disk = nullptr);
  ~SeriesCells() override;

  bool duplicates() const { return spec_.duplicates; }
  Duration window_size() const override { return spec_.window_size; }

  // The cell of this entry, maybe empty (deleted in this transaction), or nullptr; nullptr also where
  // it is not readable. May ask the disk, once for all of the key's entries in the segment.
  Cell* find(BytesView key, std::int64_t time_ms, std::int64_t second);
  Cell* find(BytesView key, std::int64_t start_ms) override { return find(key, start_ms, 0); }

  // Effect: notes that this time was put (R-W5), then the cell of this entry, made empty if there is
  // none. REQUIRES: time_ms >= 0; readable(time_ms).
  Cell& at(BytesView key, std::int64_t time_ms, std::int64_t second);

  // Effect: the same for a new entry beside those that the key and start have already.
  // REQUIRES: duplicates().
  Cell& add(BytesView key, std::int64_t start_ms);

  Cell& put_at(BytesView key, std::int64_t start_ms) override {
    return spec_.duplicates ? add(key, start_ms) : at(key, start_ms, 0);
  }

  // Effect: visits the readable entries of this key with a value and a time in [from, to], both
  // inclusive, by time, then by the second number, or backward in both.
  void fetch(BytesView key, std::int64_t from_ms, std::int64_t to_ms, ScanOrder order,
             const Visit& visit) override;
  // By segment, then by key bytes, then by time and second number, or backward in all.
  void scan(const Range& range, ScanOrder order, const Visit& visit) override;

  // Of an entry of this store.
  static std::int64_t time_of(const Cell& cell);
  static std::int64_t second_of(const Cell& cell);  // sequence, or a session's start

  // As in Kafka Streams: half the retention, at least a minute (SEMANTICS §3.9).
  Duration segment_interval() const { return interval_; }

 private:
  bool sessions() const { return kind() == StoreKind::kSession; }
  Bytes suffix(std::int64_t time_ms, std::int64_t second) const;

  std::int64_t segment_number(std::int64_t time_ms) const override;
  std::int64_t last_time(std::int64_t segment) const override;
  Segment& segment_of(const Cell& cell) const override;
  void write_changelog_key(const Cell& cell, Bytes& out) const override;
  void write_disk_key(const EntryKey& key, Bytes& out) const override;
  EntryKey entry_key(const Cell& cell) const override;
  std::optional<EntryKey> parse(BytesView changelog_key, std::string& reason) const override;
  Cell* find_in(Segment& segment, const EntryKey& key) override;
  Cell& make_in(Segment& segment, const EntryKey& key) override;
  bool may_go(const Cell& indexed) const override;
  void forget_absent() override;

  Series* find_series(Segment& segment, BytesView key);
  Series& series_at(Segment& segment, BytesView key);
  void load(Segment& segment, Series& series);
  Cell& entry_at(Series& series, BytesView suffix);
  void visit_segments(const Range& range, ScanOrder order,
                      const std::function<bool(Segment&)>& visit);
  bool visit_series(const Series& series, const Range& range, ScanOrder order, const Visit& visit);
  bool visit_disk(Segment& segment, const Range& range, ScanOrder order, const Visit& visit);

  const SeriesSpec spec_;
  const Duration interval_;
  std::vector<Cell*> absent_;  // places of series that the disk has nothing of, for a while
};

}  // namespace millrace::state
