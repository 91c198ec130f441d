// The key-value store, plain and timestamped: key → cell. What aggregates, tables and the public
// KeyValueStore view stand on. Compiled once; typed access is by Cell::as<V>().
#pragma once

#include <functional>
#include <memory>

#include "millrace/detail/cell_table.h"
#include "millrace/detail/store.h"
#include "millrace/detail/undo.h"

namespace millrace::state {

class KeyValueCells final : public Store {
 public:
  // `kind`: kKeyValue or kTimestampedKeyValue.
  KeyValueCells(std::string name, StoreKind kind, const ValueType& type,
                std::unique_ptr<ValueCodec> codec);

  const ValueType& type() const { return type_; }

  // The cell of this key, maybe empty (deleted in this transaction), or nullptr.
  Cell* find(BytesView key) const { return table_.find(key, hash_of(key)); }

  // The cell of this key, made empty if there is none. One that stays empty goes at the end of the
  // transaction.
  Cell& at(BytesView key) { return changes_.at(table_, key); }

  // Effect: prepares the cell for a new value: see ChangeList::note(). The caller then sets
  // cell.as<V>() and cell.timestamp. A deletion leaves as<V>() empty and sets the timestamp that
  // the tombstone carries (the record's at hand: SEMANTICS §3.5).
  void* change(Cell& cell) { return changes_.note(cell); }

  // Entries with a value and from <= key < to, in the order of unsigned bytes.
  void scan(OptionalBytesView from, OptionalBytesView to,
            const std::function<bool(const Cell&)>& visit);

  // Approximate: counts cells that are deleted but not committed.
  std::size_t size() const { return table_.size(); }

  const std::string& name() const override { return name_; }
  StoreKind kind() const override { return kind_; }
  void bind(TaskMemory&) override {}
  void write_changes(ChangelogWriter& writer) override;
  bool has_changes() const override { return !changes_.empty(); }
  void commit(ChangelogRange written) override;
  void abort() override { changes_.abort(); }
  Status restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                 Offset offset) override;
  std::optional<Offset> purge_below() const override { return std::nullopt; }
  std::size_t bytes() const override { return footprint_.bytes; }
  void forget_typed_values(bool on) override { forget_ = on; }

 private:
  const std::string name_;
  const StoreKind kind_;
  const ValueType& type_;
  const std::unique_ptr<ValueCodec> codec_;
  Footprint footprint_;
  CellTable table_;
  ChangeList changes_;  // after the table: at the end the cells outlive their old values
  Bytes buffer_;
  bool forget_ = false;
};

}  // namespace millrace::state
