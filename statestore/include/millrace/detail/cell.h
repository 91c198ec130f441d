// A cell: one entry of a store, worked on in memory. It is found by the key's serialized bytes and
// holds the typed value with its timestamp. One allocation: header, key bytes, std::optional<V>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>

#include "millrace/bytes.h"
#include "millrace/detail/disk_table.h"
#include "millrace/detail/value_type.h"
#include "millrace/time.h"

namespace millrace::state {

struct Cell;
struct Undo;

// Where cells are indexed.
class CellOwner {
 public:
  // Effect: destroys the cell. REQUIRES: it is of this owner, without undo and not listed.
  virtual void erase(Cell& cell) noexcept = 0;

 protected:
  ~CellOwner() = default;
};

struct Cell {
  std::uint64_t hash;
  CellOwner* owner;
  Undo* undo = nullptr;  // what it held when the transaction began; null: untouched
  Timestamp timestamp = kNoTimestamp;
  // What memory must know of a cell that has a disk below it (overlay.h).
  BatchNumber batch{};  // the last one that holds it; none: it is as on disk
  std::uint32_t key_size : 30;
  std::uint32_t used : 1;      // since eviction last came by
  std::uint32_t listed : 1;    // empty, and on a list that says how long it stays
  std::uint32_t value_offset;  // from the cell's first byte

  // Effect: allocates a cell with an empty value. Freed by destroy().
  static Cell* create(const ValueType& type, CellOwner& owner, BytesView key, std::uint64_t hash);
  // Effect: ends the value and frees the cell.
  static void destroy(Cell* cell, const ValueType& type) noexcept;
  // What one cell with such a key takes.
  static std::size_t bytes(const ValueType& type, std::size_t key_size);

  BytesView key() const { return {reinterpret_cast<const char*>(this + 1), key_size}; }
  void* value() { return reinterpret_cast<std::byte*>(this) + value_offset; }
  const void* value() const { return reinterpret_cast<const std::byte*>(this) + value_offset; }

  // REQUIRES: the store's value type is V.
  template <class V>
  std::optional<V>& as() {
    return *std::launder(static_cast<std::optional<V>*>(value()));
  }
  template <class V>
  const std::optional<V>& as() const {
    return *std::launder(static_cast<const std::optional<V>*>(value()));
  }
};

// The value in a cell; nullptr where there is no cell or no value. A null value is none (serde.h).
template <class V>
const V* value_in(const Cell* cell) {
  if (cell == nullptr) return nullptr;
  const std::optional<V>& held = cell->as<V>();
  return held && !is_null(*held) ? &*held : nullptr;
}

}  // namespace millrace::state
