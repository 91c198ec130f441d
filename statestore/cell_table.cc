// The index is linear hashing over small tables: a hash belongs to the shard that its lowest bits
// name; each time the shards hold kShardSize cells on average, one more shard is made and takes
// half of one older shard's cells. An insert therefore moves at most about two shards' worth of
// pointers, whatever the size of the whole.
#include "millrace/detail/cell_table.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <limits>
#include <set>
#include <vector>

#include "millrace/detail/assert.h"
#include "millrace/detail/hash.h"

namespace millrace::state {

namespace {

// Cells of a shard on average. At five million cells the worst insert took 190 us with 1024, 120 us
// with 512, 75 us with 256; the smaller, the more shards there are to miss the cache.
constexpr std::size_t kShardSize = 512;

// Shards lie in blocks, so that adding one never moves more than these.
constexpr std::size_t kBlockSize = 256;

struct Probe {
  BytesView key;
  std::uint64_t hash;
};

struct CellHash {
  using is_transparent = void;
  using is_avalanching = void;
  std::size_t operator()(const Cell* cell) const { return cell->hash; }
  std::size_t operator()(const Probe& probe) const { return probe.hash; }
};

struct CellEqual {
  using is_transparent = void;
  // Only ever asked for a cell that is in the table or for one whose key is not.
  bool operator()(const Cell* a, const Cell* b) const { return a == b; }
  bool operator()(const Cell* a, const Probe& b) const {
    return a->hash == b.hash && a->key() == b.key;
  }
  bool operator()(const Probe& a, const Cell* b) const { return (*this)(b, a); }
};

using Shard = boost::unordered_flat_set<Cell*, CellHash, CellEqual>;

struct ByteOrder {
  using is_transparent = void;
  bool operator()(const Cell* a, const Cell* b) const { return a->key() < b->key(); }
  bool operator()(const Cell* a, BytesView b) const { return a->key() < b; }
  bool operator()(BytesView a, const Cell* b) const { return a < b->key(); }
};

using Order = std::set<Cell*, ByteOrder>;

constexpr std::size_t kOrderNodeBytes = 48;  // of a std::set of pointers, as malloc rounds it

std::size_t bytes_of(const Shard& shard) { return shard.bucket_count() * (sizeof(Cell*) + 1); }

}  // namespace

std::uint64_t hash_of(BytesView key) {
  // Where this library was loaded differs from process to process: whoever chooses keys cannot
  // choose them to collide.
  static const char anchor = 0;
  return detail::hash_bytes(key, reinterpret_cast<std::uintptr_t>(&anchor));
}

struct CellTable::Index {
  // Shards share the bits between those that a shard itself uses (the lowest 8, the highest few).
  static std::size_t bits(std::uint64_t hash) { return static_cast<std::size_t>(hash >> 8); }

  Shard& shard(std::size_t number) { return blocks[number / kBlockSize][number % kBlockSize]; }
  Shard& shard_of(std::uint64_t hash) {
    const std::size_t wide = bits(hash) & (2 * low_mask + 1);
    return shard(wide < shard_count ? wide : wide & low_mask);
  }

  // Effect: one more shard, with what it takes over. Where this throws, nothing has changed.
  void grow(Footprint& footprint) {
    const std::size_t number = shard_count;
    if (blocks.back().size() == kBlockSize) {
      std::vector<Shard> block;
      block.reserve(kBlockSize);
      blocks.push_back(std::move(block));
    }
    const auto leaves = [&](const Cell* cell) {
      return (bits(cell->hash) & (2 * low_mask + 1)) == number;
    };
    Shard added;
    const Shard& older = shard(number & low_mask);
    added.reserve(older.size() / 2 + older.size() / 8);
    for (Cell* cell : older) {
      if (leaves(cell)) added.insert(cell);
    }
    const std::size_t bytes = bytes_of(added) + sizeof(Shard);
    blocks.back().push_back(std::move(added));
    footprint.add(bytes);
    boost::unordered::erase_if(shard(number & low_mask), leaves);
    ++shard_count;
    if (shard_count == 2 * low_mask + 2) low_mask = 2 * low_mask + 1;
  }

  std::vector<std::vector<Shard>> blocks{std::vector<Shard>(1)};
  std::size_t shard_count = 1;
  std::size_t low_mask = 0;  // the greatest 2^n - 1 with 2^n <= shard_count
  std::size_t size = 0;
  std::unique_ptr<Order> order;    // null: nobody has asked for it yet
  std::size_t unordered_from = 0;  // the first shard that `order` may lack cells of
  bool ordered = false;            // it lacks none
  std::size_t hand = 0;            // the shard that eviction looks at next
};

CellTable::CellTable(const ValueType& type, std::int64_t tag, Footprint& footprint)
    : type_(type), tag_(tag), footprint_(footprint), index_(new Index) {
  footprint_.add(sizeof(CellTable) + sizeof(Index) + sizeof(Shard));
}

CellTable::~CellTable() {
  std::size_t unlimited = std::numeric_limits<std::size_t>::max();
  dismantle(unlimited);
  footprint_.remove(sizeof(CellTable) + sizeof(Index));
}

std::size_t CellTable::size() const { return index_->size; }

Cell* CellTable::find(BytesView key, std::uint64_t hash) const {
  Shard& shard = index_->shard_of(hash);
  const auto at = shard.find(Probe{key, hash});
  return at == shard.end() ? nullptr : *at;
}

Cell& CellTable::find_or_insert(BytesView key, std::uint64_t hash, bool& created) {
  Cell* cell = find(key, hash);
  created = cell == nullptr;
  if (!created) return *cell;

  const auto destroy = [this](Cell* made) { Cell::destroy(made, type_); };
  std::unique_ptr<Cell, decltype(destroy)> owner(Cell::create(type_, *this, key, hash), destroy);
  cell = owner.get();
  if (index_->size >= kShardSize * index_->shard_count) index_->grow(footprint_);
  Shard& shard = index_->shard_of(hash);
  const std::size_t before = bytes_of(shard);
  shard.insert(cell);
  footprint_.add(bytes_of(shard) - before);
  if (index_->order) {
    try {
      index_->order->insert(cell);
    } catch (...) {
      shard.erase(cell);
      throw;
    }
    footprint_.add(kOrderNodeBytes);
  }
  ++index_->size;
  footprint_.add(Cell::bytes(type_, key.size()));
  return *owner.release();
}

void CellTable::erase(Cell& cell) noexcept {
  MILLRACE_ASSERT(cell.owner == this && cell.undo == nullptr && !cell.listed,
                  "a cell in use is erased");
  index_->shard_of(cell.hash).erase(&cell);
  destroy(cell);
}

// Effect: ends a cell that has left its shard, or is about to.
void CellTable::destroy(Cell& cell) noexcept {
  if (index_->order && index_->order->erase(&cell) > 0) footprint_.remove(kOrderNodeBytes);
  --index_->size;
  footprint_.remove(Cell::bytes(type_, cell.key_size) + type_.heap_size(cell.value()));
  Cell::destroy(&cell, type_);
}

bool CellTable::build_order(std::size_t cells) {
  Index& index = *index_;
  if (index.ordered) return true;
  if (!index.order) index.order.reset(new Order);
  if (index.order->empty() && cells >= index.size) {  // all at once: sorted it is linear
    std::vector<Cell*> all;
    all.reserve(index.size);
    for (const std::vector<Shard>& block : index.blocks) {
      for (const Shard& shard : block) all.insert(all.end(), shard.begin(), shard.end());
    }
    std::sort(all.begin(), all.end(), ByteOrder());
    index.order.reset(new Order(all.begin(), all.end()));
    footprint_.add(index.size * kOrderNodeBytes);
    return index.ordered = true;
  }
  // Shards that are made meanwhile stand behind all others: what they take over is visited again.
  while (index.unordered_from < index.shard_count && cells > 0) {
    const Shard& shard = index.shard(index.unordered_from);
    for (Cell* cell : shard) {
      if (index.order->insert(cell).second) footprint_.add(kOrderNodeBytes);
    }
    cells -= std::min(cells, shard.size() + 1);
    ++index.unordered_from;
  }
  return index.ordered = index.unordered_from == index.shard_count;
}

void CellTable::scan(OptionalBytesView from, OptionalBytesView to, ScanOrder direction,
                     const std::function<bool(Cell&)>& visit) {
  build_order(std::numeric_limits<std::size_t>::max());
  const Order& order = *index_->order;
  if (from && to && *from >= *to) return;
  const auto first = from ? order.lower_bound(*from) : order.begin();
  if (direction == ScanOrder::kForward) {
    for (auto at = first; at != order.end(); ++at) {
      if (to && (*at)->key() >= *to) return;
      if (!visit(**at)) return;
    }
  } else {
    for (auto at = to ? order.lower_bound(*to) : order.end(); at != first;) {
      if (!visit(**--at)) return;
    }
  }
}

bool CellTable::evict(std::size_t& cells, std::size_t& bytes,
                      const std::function<bool(const Cell&)>& may_go) {
  const auto goes = [&](Cell* cell) {
    if (bytes == 0 || !may_go(*cell)) return false;
    if (cell->used) {
      cell->used = 0;
      return false;
    }
    const std::size_t before = footprint_.bytes;
    destroy(*cell);
    bytes -= std::min(bytes, before - footprint_.bytes);
    return true;
  };
  while (cells > 0 && bytes > 0) {
    Shard& shard = index_->shard(index_->hand++);
    cells -= std::min(cells, shard.size() + 1);
    boost::unordered::erase_if(shard, goes);
    if (shard.empty() && shard.bucket_count() > 0) {
      footprint_.remove(bytes_of(shard));
      shard = Shard();
    }
    if (index_->hand < index_->shard_count) continue;
    index_->hand = 0;
    return true;
  }
  return false;
}

bool CellTable::dismantle(std::size_t& budget) {
  Order* order = index_->order.get();
  for (; order != nullptr && !order->empty() && budget > 0; --budget) {
    order->erase(order->begin());
    footprint_.remove(kOrderNodeBytes);
  }
  if (order != nullptr && !order->empty()) return false;
  std::vector<std::vector<Shard>>& blocks = index_->blocks;
  while (!blocks.empty() && budget > 0) {
    if (blocks.back().empty()) {
      blocks.pop_back();
      continue;
    }
    Shard& shard = blocks.back().back();
    for (Cell* cell : shard) {
      footprint_.remove(Cell::bytes(type_, cell->key_size) + type_.heap_size(cell->value()));
      Cell::destroy(cell, type_);
    }
    budget -= std::min(budget, shard.size() + 1);
    index_->size -= shard.size();
    footprint_.remove(bytes_of(shard) + sizeof(Shard));
    blocks.back().pop_back();
  }
  return blocks.empty();
}

}  // namespace millrace::state
