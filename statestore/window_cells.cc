#include "millrace/detail/window_cells.h"

#include <algorithm>
#include <utility>

#include "big_endian.h"
#include "millrace/detail/assert.h"
#include "overlay.h"

namespace millrace::state {

namespace {

constexpr std::size_t kStartBytes = 8;
constexpr std::size_t kSequenceBytes = 4;
constexpr std::int32_t kSequence = 0;  // only stores that keep duplicates number them

}  // namespace

WindowCells::WindowCells(std::string name, Duration size, Duration retention, const ValueType& type,
                         std::unique_ptr<ValueCodec> codec, DiskTable* disk)
    : AnyWindowCells({std::move(name), StoreKind::kTimestampedWindow, retention}, type, type,
                     std::move(codec), disk),
      size_(size) {
  MILLRACE_ASSERT(size_ > Duration::zero() && retention >= size_,
                  "a window store keeps less than a window");
}

WindowCells::~WindowCells() = default;

Cell* WindowCells::find(BytesView key, std::int64_t start_ms) {
  if (!readable(start_ms)) return nullptr;
  Segment* segment = find_segment(start_ms);
  if (segment == nullptr) return nullptr;
  const std::uint64_t hash = hash_of(key);
  Cell* cell = segment->find(key, hash);
  if (overlay() == nullptr) return cell;
  return overlay()->shown(cell != nullptr ? cell : load(*segment, key, hash));
}

Cell& WindowCells::at(BytesView key, std::int64_t start_ms) {
  MILLRACE_ASSERT(start_ms >= 0, "a window starts before the epoch");
  MILLRACE_ASSERT(readable(start_ms), "a window is changed that no read may show");
  observe(start_ms);
  Segment& segment = segment_at(start_ms);
  if (overlay() != nullptr) {
    const std::uint64_t hash = hash_of(key);
    Cell* cell = segment.find(key, hash);
    if (cell == nullptr) cell = load(segment, key, hash);
    if (cell != nullptr) return overlay()->kept(*cell, changes());
  }
  return changes().at(segment, key);
}

// As KeyValueCells::load().
Cell* WindowCells::load(Segment& segment, BytesView key, std::uint64_t hash) {
  if (segment.all_in_memory) return nullptr;
  return &overlay()->load(segment, key, hash, number_bytes(segment.tag()).append(key));
}

void WindowCells::prefetch(std::span<const BytesView> keys, std::int64_t start_ms) {
  Segment* segment = find_segment(start_ms);
  if (segment == nullptr || segment->all_in_memory || !readable(start_ms)) return;
  overlay()->prefetch(number_bytes(start_ms), keys, *segment);
}

std::vector<std::int64_t> WindowCells::starts(std::int64_t from_ms, std::int64_t to_ms) const {
  std::vector<std::int64_t> starts;
  const auto first = segments().lower_bound(std::max(from_ms, least_readable()));
  for (auto at = first; at != segments().end() && at->first <= to_ms; ++at) {
    if (at->second->size() > 0 || !at->second->all_in_memory) starts.push_back(at->first);
  }
  return starts;
}

void WindowCells::fetch(BytesView key, std::int64_t from_ms, std::int64_t to_ms, ScanOrder order,
                        const Visit& visit) {
  std::vector<std::int64_t> grid = starts(from_ms, to_ms);
  if (order == ScanOrder::kBackward) std::reverse(grid.begin(), grid.end());
  for (const std::int64_t start : grid) {
    const Cell* cell = find(key, start);
    if (cell == nullptr || !type().has_value(cell->value())) continue;
    if (!visit(key, start, *cell)) return;
  }
}

void WindowCells::scan(const Range& range, ScanOrder order, const Visit& visit) {
  bool more = true;
  const auto scan_window = [&](Segment& segment) {
    const auto visit_cell = [&](const Cell& cell) {
      return more = !type().has_value(cell.value()) || visit(cell.key(), segment.tag(), cell);
    };
    if (segment.all_in_memory) {
      segment.scan(range.key_from, range.key_to, order, visit_cell);
    } else {
      overlay()->scan(number_bytes(segment.tag()), range.key_from, range.key_to, order, segment,
                      visit_cell);
    }
  };
  const auto first = segments().lower_bound(std::max(range.from_ms, least_readable()));
  auto end = first;
  while (end != segments().end() && end->first <= range.to_ms) ++end;
  if (order == ScanOrder::kForward) {
    for (auto at = first; more && at != end; ++at) scan_window(*at->second);
  } else {
    for (auto at = end; more && at != first;) scan_window(*(--at)->second);
  }
}

// --- the layout ----------------------------------------------------------------------------------

SegmentedCells::Segment& WindowCells::segment_of(const Cell& cell) const {
  return *static_cast<Segment*>(static_cast<CellTable*>(cell.owner));
}

void WindowCells::write_changelog_key(const Cell& cell, Bytes& out) const {
  out.append(cell.key());
  detail::append_int(segment_of(cell).tag(), out);
  detail::append_int(kSequence, out);
}

void WindowCells::write_disk_key(const EntryKey& key, Bytes& out) const { out.append(key.key); }

SegmentedCells::EntryKey WindowCells::entry_key(const Cell& cell) const {
  return {cell.key(), {}, segment_of(cell).tag()};
}

std::optional<SegmentedCells::EntryKey> WindowCells::parse(BytesView key,
                                                           std::string& reason) const {
  if (key.size() < kStartBytes + kSequenceBytes) {
    reason = "its key is too short for a window's";
    return std::nullopt;
  }
  const BytesView suffix = key.substr(key.size() - kStartBytes - kSequenceBytes);
  BytesView behind = suffix;
  const std::int64_t start = *detail::read_int<std::int64_t>(behind);
  const std::int32_t sequence = *detail::read_int<std::int32_t>(behind);
  if (start < 0 || sequence != kSequence) {
    reason = "its key is not one of a window store without duplicates";
    return std::nullopt;
  }
  return EntryKey{key.substr(0, key.size() - suffix.size()), suffix, start};
}

Cell* WindowCells::find_in(Segment& segment, const EntryKey& key) {
  return segment.find(key.key, hash_of(key.key));
}

Cell& WindowCells::make_in(Segment& segment, const EntryKey& key) {
  return changes().at(segment, key.key);
}

bool WindowCells::may_go(const Cell& indexed) const { return overlay()->may_go(indexed); }

}  // namespace millrace::state
