// An index of cells by key bytes that owns them. Grows in small steps (many small tables instead of
// one big one), so that no insert stalls the worker (DESIGN §4). Keeps an order by unsigned bytes
// only once somebody scans.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "millrace/detail/cell.h"

namespace millrace::state {

std::uint64_t hash_of(BytesView key);

// Not thread-safe. Cells stay at their address until erased.
class CellTable {
 public:
  // `tag` is the layout's own: the window's start in a window store, 0 elsewhere.
  CellTable(const ValueType& type, std::int64_t tag);
  ~CellTable();
  CellTable(const CellTable&) = delete;
  CellTable& operator=(const CellTable&) = delete;

  std::int64_t tag() const { return tag_; }
  std::size_t size() const;

  // Memory of cells, keys and index; values' heap is not in it.
  std::size_t bytes() const;

  Cell* find(BytesView key, std::uint64_t hash) const;

  // Effect: the cell of this key, made empty if there is none. `created` tells.
  Cell& find_or_insert(BytesView key, std::uint64_t hash, bool& created);

  // Effect: destroys the cell. REQUIRES: it is of this table, without undo.
  void erase(Cell& cell);

  // Effect: visits cells with from <= key < to (nullopt: unbounded) in the order of unsigned bytes,
  // empty ones included, until `visit` returns false. The first call builds the order.
  // REQUIRES: `visit` neither inserts nor erases.
  void scan(OptionalBytesView from, OptionalBytesView to, const std::function<bool(Cell&)>& visit);

 private:
  struct Index;
  const ValueType& type_;
  std::int64_t tag_;
  std::unique_ptr<Index> index_;
};

}  // namespace millrace::state
