// A cell: one entry of a store, worked on in memory. It is found by the key's serialized bytes and
// holds the typed value with its timestamp. One allocation: header, key bytes, std::optional<V>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>

#include "millrace/bytes.h"
#include "millrace/detail/value_type.h"
#include "millrace/time.h"

namespace millrace::state {

class CellTable;
struct Undo;

struct Cell {
  std::uint64_t hash;
  CellTable* table;      // where it is indexed
  Undo* undo = nullptr;  // what it held when the transaction began; null: untouched
  Timestamp timestamp = kNoTimestamp;
  std::uint32_t key_size;
  std::uint32_t value_offset;  // from the cell's first byte

  // Effect: allocates a cell with an empty value. Freed by destroy().
  static Cell* create(const ValueType& type, CellTable& table, BytesView key, std::uint64_t hash);
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
