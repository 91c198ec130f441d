// An index of cells by key bytes that owns them. Grows in small steps (many small tables instead of
// one big one), so that no insert stalls the worker (DESIGN §4). Keeps an order by unsigned bytes
// only once somebody scans.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "millrace/detail/cell.h"

namespace millrace::state {

// The same all over the process, another one in the next: never stored.
std::uint64_t hash_of(BytesView key);

// Memory that a store holds, counted as it changes: cells, keys, indexes, the heap of committed
// values, old values. An estimate.
struct Footprint {
  std::size_t bytes = 0;

  void add(std::size_t n) { bytes += n; }
  void remove(std::size_t n) { bytes -= n < bytes ? n : bytes; }  // HeapSize may be inconstant
};

// Not thread-safe. Cells stay at their address until erased.
class CellTable : public CellOwner {
 public:
  // `tag` is the layout's own: the window's start in a window store, 0 elsewhere. `footprint`
  // outlives the table.
  CellTable(const ValueType& type, std::int64_t tag, Footprint& footprint);
  virtual ~CellTable();
  CellTable(const CellTable&) = delete;
  CellTable& operator=(const CellTable&) = delete;

  std::int64_t tag() const { return tag_; }
  std::size_t size() const;

  Cell* find(BytesView key, std::uint64_t hash) const;

  // Effect: the cell of this key, made empty if there is none. `created` tells.
  Cell& find_or_insert(BytesView key, std::uint64_t hash, bool& created);

  void erase(Cell& cell) noexcept override;

  // Effect: goes on building the order that scans need, over about so many cells; true once it is
  // there. From the first call on every insert keeps it up. What is not there yet when somebody scans
  // is built then, at once.
  bool build_order(std::size_t cells);

  // Effect: visits cells with from <= key < to (nullopt: unbounded) in the order of unsigned bytes
  // or backward, empty ones included, until `visit` returns false.
  // REQUIRES: `visit` neither inserts nor erases.
  void scan(OptionalBytesView from, OptionalBytesView to, ScanOrder order,
            const std::function<bool(Cell&)>& visit);

  // Effect: looks at up to about `cells` cells, from where the last call stopped on, round and round,
  // and destroys those that may go and were not used since the last visit, until so many bytes are
  // free. Both arguments are counted down. True: it came to the last cell. REQUIRES: what may go has
  // no undo and is not listed.
  bool evict(std::size_t& cells, std::size_t& bytes,
             const std::function<bool(const Cell&)>& may_go);

  // Effect: destroys cells, any, and takes one off the budget for each, until all are gone (then
  // true) or the budget is spent, give or take a few thousand: a big table ends in slices.
  // REQUIRES: no cell has undo; from the first call on nothing but dismantle() and the destructor.
  bool dismantle(std::size_t& budget);

 private:
  struct Index;
  void destroy(Cell& cell) noexcept;
  const ValueType& type_;
  std::int64_t tag_;
  Footprint& footprint_;
  std::unique_ptr<Index> index_;
};

}  // namespace millrace::state
