// The key-value store, plain and timestamped: key → cell. What aggregates, tables and the public
// KeyValueStore view stand on. Compiled once; typed access is by Cell::as<V>(). Over a disk, memory
// holds what is in use and what the disk does not know yet; its key there is the key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "millrace/detail/cell_table.h"
#include "millrace/detail/store.h"
#include "millrace/detail/undo.h"

namespace millrace::state {

class Overlay;

class KeyValueCells final : public Store {
 public:
  // `kind`: kKeyValue or kTimestampedKeyValue. `disk`: outlives the store; nullptr: none.
  KeyValueCells(std::string name, StoreKind kind, const ValueType& type,
                std::unique_ptr<ValueCodec> codec, DiskTable* disk = nullptr);
  ~KeyValueCells() override;

  const ValueType& type() const { return type_; }

  // The cell of this key, maybe empty (deleted in this transaction), or nullptr. May ask the disk,
  // once.
  Cell* find(BytesView key) {
    const std::uint64_t hash = hash_of(key);
    Cell* cell = table_.find(key, hash);
    return overlay_ == nullptr ? cell : find_over_disk(key, hash, cell);
  }

  // The cell of this key, made empty if there is none. One that stays empty goes at the end of the
  // transaction.
  Cell& at(BytesView key) {
    return overlay_ == nullptr ? changes_.at(table_, key) : at_over_disk(key);
  }

  // Effect: what the disk has of these keys is in memory, read in one go: for keys that are known to
  // be looked for soon.
  void prefetch(std::span<const BytesView> keys);

  // Effect: prepares the cell for a new value: see ChangeList::note(). The caller then sets
  // cell.as<V>() and cell.timestamp. A deletion leaves as<V>() empty and sets the timestamp that
  // the tombstone carries (the record's at hand: SEMANTICS §3.5).
  void* change(Cell& cell) { return changes_.note(cell); }

  // Entries with a value and from <= key < to (nullopt: unbounded), in the order of unsigned bytes or
  // backward, until `visit` returns false. REQUIRES: `visit` uses no function of this store.
  // Lifetime of a cell: the call.
  void scan(OptionalBytesView from, OptionalBytesView to, ScanOrder order,
            const std::function<bool(const Cell&)>& visit);

  // Effect: goes on preparing for scans, over about so many cells; true once they cost no more than
  // what they show. A store that is sure to be scanned calls it before its first entry.
  bool prepare_scans(std::size_t cells) { return table_.build_order(cells); }

  // Approximate: counts cells that are deleted but not committed; over a disk: those in memory.
  std::size_t size() const { return table_.size(); }

  const std::string& name() const override { return name_; }
  StoreKind kind() const override { return kind_; }
  void bind(TaskMemory&) override {}
  void write_some(ChangelogWriter& writer, std::size_t& budget) override;
  bool has_changes() const override { return !changes_.empty(); }
  void commit(ChangelogRange written) override;
  void abort() override;
  void set_savepoint() override { changes_.set_savepoint(); }
  void release_savepoint() override { changes_.release_savepoint(); }
  void roll_back() override { changes_.roll_back(); }
  void check_changes(ChangelogWriter& writer) override;
  Offset restored_to() const override;
  Status restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                 Offset offset) override;
  void finish_restore() override;
  bool restored() const override;
  std::size_t evict(std::size_t bytes) override;
  std::optional<Offset> purge_below() const override { return std::nullopt; }
  std::size_t bytes() const override { return footprint_.bytes; }
  void forget_typed_values(bool on) override { forget_ = on; }

 private:
  Cell* find_over_disk(BytesView key, std::uint64_t hash, Cell* cell);
  Cell& at_over_disk(BytesView key);
  Cell* load(BytesView key, std::uint64_t hash);
  bool all_in_memory();

  const std::string name_;
  const StoreKind kind_;
  const ValueType& type_;
  const std::unique_ptr<ValueCodec> codec_;
  Footprint footprint_;
  CellTable table_;
  ChangeList changes_;  // after the table: at the end the cells outlive their old values
  const std::unique_ptr<Overlay> overlay_;  // null: memory is all there is
  // Whether the disk has nothing that memory has not; nullopt: not looked yet.
  std::optional<bool> all_in_memory_;
  Bytes buffer_;
  bool forget_ = false;
};

}  // namespace millrace::state
