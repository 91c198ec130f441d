#include "millrace/detail/series_cells.h"

#include <algorithm>
#include <utility>

#include "big_endian.h"
#include "millrace/detail/assert.h"
#include "millrace/error.h"
#include "overlay.h"
#include "series.h"

namespace millrace::state {

namespace {

constexpr std::size_t kTimeBytes = 8;
constexpr Duration kLeastInterval{60'000};
// Series that are remembered to be absent, before they are forgotten all at once.
constexpr std::size_t kAbsentMax = 1024;

// The order of escaped keys is that of the keys, and none is the beginning of another once it is
// ended: see the header.
void append_escaped(BytesView key, Bytes& out) {
  for (const char c : key) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
}
constexpr BytesView kEscapedEnd("\0\0", 2);

void unescape(BytesView escaped, Bytes& key) {
  key.clear();
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    key.push_back(escaped[i]);
    if (escaped[i] == '\0') ++i;
  }
}

std::size_t suffix_size(StoreKind kind) {
  return kTimeBytes + (kind == StoreKind::kSession ? kTimeBytes : 4);
}

// The entries of a segment on disk, taken apart.
class DiskEntries {
 public:
  DiskEntries(std::unique_ptr<DiskScan> scan, const std::string& store, std::size_t size_of_suffix)
      : scan_(std::move(scan)), store_(store), size_of_suffix_(size_of_suffix) {
    look();
  }
  bool valid() const { return valid_; }
  BytesView key() const { return key_; }
  BytesView suffix() const {
    const BytesView all = scan_->key();
    return all.substr(all.size() - size_of_suffix_);
  }
  BytesView value() const { return scan_->value(); }
  Timestamp timestamp() const { return scan_->timestamp(); }
  void next() {
    scan_->next();
    look();
  }

 private:
  void look() {
    valid_ = scan_->valid();
    if (!valid_) return;
    const std::size_t around = kTimeBytes + kEscapedEnd.size() + size_of_suffix_;
    const BytesView all = scan_->key();
    if (all.size() < around) {
      throw StateError("millrace: store '" + store_ +
                       "': a key on its disk is too short to be one of this kind of store. Nothing "
                       "was changed: remove the task's directory so that it is restored");
    }
    unescape(all.substr(kTimeBytes, all.size() - around), key_);
  }

  std::unique_ptr<DiskScan> scan_;
  const std::string& store_;
  const std::size_t size_of_suffix_;
  bool valid_ = false;
  Bytes key_;
};

}  // namespace

SeriesCells::SeriesCells(SeriesSpec spec, const ValueType& type, std::unique_ptr<ValueCodec> codec,
                         DiskTable* disk)
    : AnyWindowCells({spec.name, spec.kind, spec.retention}, type, Series::type(), std::move(codec),
                     disk),
      spec_(std::move(spec)),
      interval_(std::max(spec_.retention / 2, kLeastInterval)) {
  MILLRACE_ASSERT(!(sessions() && spec_.duplicates), "sessions with duplicates");
}

SeriesCells::~SeriesCells() = default;

std::int64_t SeriesCells::time_of(const Cell& cell) {
  return detail::load_int<std::int64_t>(cell.key().data());
}

std::int64_t SeriesCells::second_of(const Cell& cell) {
  const char* behind = cell.key().data() + kTimeBytes;
  return cell.key_size == 2 * kTimeBytes ? detail::load_int<std::int64_t>(behind)
                                         : detail::load_int<std::int32_t>(behind);
}

Bytes SeriesCells::suffix(std::int64_t time_ms, std::int64_t second) const {
  Bytes bytes = number_bytes(time_ms);
  if (sessions()) {
    detail::append_int(second, bytes);
  } else {
    detail::append_int(static_cast<std::int32_t>(second), bytes);
  }
  return bytes;
}

// --- one entry -----------------------------------------------------------------------------------

Cell* SeriesCells::find(BytesView key, std::int64_t time_ms, std::int64_t second) {
  if (!readable(time_ms)) return nullptr;
  Segment* segment = find_segment(segment_number(time_ms));
  if (segment == nullptr) return nullptr;
  const Series* series = find_series(*segment, key);
  if (series == nullptr) return nullptr;
  Cell* cell = series->find(suffix(time_ms, second));
  if (cell == nullptr || (cell->undo == nullptr && !type().has_value(cell->value()))) {
    return nullptr;
  }
  return cell;
}

Cell& SeriesCells::at(BytesView key, std::int64_t time_ms, std::int64_t second) {
  MILLRACE_ASSERT(time_ms >= 0, "an entry of a time before the epoch");
  MILLRACE_ASSERT(readable(time_ms), "an entry is changed that no read may show");
  observe(time_ms);
  Segment& segment = segment_at(segment_number(time_ms));
  return entry_at(series_at(segment, key), suffix(time_ms, second));
}

Cell& SeriesCells::add(BytesView key, std::int64_t start_ms) {
  MILLRACE_ASSERT(spec_.duplicates, "a second entry in a store without duplicates");
  MILLRACE_ASSERT(start_ms >= 0 && readable(start_ms), "an entry is made that no read may show");
  observe(start_ms);
  Series& series = series_at(segment_at(segment_number(start_ms)), key);
  std::int64_t sequence = 1;
  const auto& entries = series.entries();
  const auto behind =
      std::upper_bound(entries.begin(), entries.end(), start_ms,
                       [](std::int64_t start, const Cell* cell) { return start < time_of(*cell); });
  if (behind != entries.begin() && time_of(**(behind - 1)) == start_ms) {
    sequence = second_of(**(behind - 1)) + 1;
  }
  return entry_at(series, suffix(start_ms, sequence));
}

Cell& SeriesCells::entry_at(Series& series, BytesView suffix) {
  Cell* cell = series.find(suffix);
  if (cell == nullptr) {
    cell = &series.insert(suffix);
    try {
      changes().hold(*cell);
    } catch (...) {
      series.erase(*cell);
      throw;
    }
  } else if (cell->listed && !type().has_value(cell->value())) {
    changes().hold(*cell);
  }
  return *cell;
}

// --- one series ----------------------------------------------------------------------------------

// nullptr: the key has nothing in this segment. One that the disk has nothing of may be there, empty.
Series* SeriesCells::find_series(Segment& segment, BytesView key) {
  Cell* place = segment.find(key, hash_of(key));
  if (place != nullptr) {
    place->used = 1;
    return &Series::of(*place);
  }
  return segment.all_in_memory ? nullptr : &series_at(segment, key);
}

Series& SeriesCells::series_at(Segment& segment, BytesView key) {
  bool created = false;
  if (absent_.size() >= kAbsentMax) forget_absent();
  Cell& place = segment.find_or_insert(key, hash_of(key), created);
  Series& series = Series::of(place);
  place.used = 1;
  if (!created) return series;
  series.settle(place, type(), footprint());
  if (segment.all_in_memory) return series;
  place.listed = 1;  // stays, though it be empty
  try {
    load(segment, series);
    if (series.entries().empty()) {
      absent_.push_back(&place);
    } else {
      place.listed = 0;
    }
  } catch (...) {
    place.listed = 0;
    segment.erase(place);
    throw;
  }
  return series;
}

void SeriesCells::load(Segment& segment, Series& series) {
  Bytes prefix = number_bytes(segment.tag());
  write_disk_key({series.key(), {}, 0}, prefix);
  const std::optional<Bytes> end = least_above(prefix);
  DiskEntries below(overlay()->disk().scan(BytesView(prefix), BytesView(*end), ScanOrder::kForward),
                    name(), suffix_size(kind()));
  for (; below.valid(); below.next()) {
    Cell& cell = series.insert(below.suffix());
    overlay()->decode(below.value(), below.timestamp(), cell);
    if (!type().has_value(cell.value())) series.erase(cell);
  }
}

void SeriesCells::forget_absent() {
  for (Cell* place : absent_) {
    place->listed = 0;
    if (Series::of(*place).entries().empty()) place->owner->erase(*place);
  }
  absent_.clear();
}

bool SeriesCells::may_go(const Cell& place) const {
  const auto& entries = Series::of(place).entries();
  return !place.listed && std::all_of(entries.begin(), entries.end(), [this](const Cell* cell) {
    return overlay()->may_go(*cell);
  });
}

// --- scans ---------------------------------------------------------------------------------------

bool SeriesCells::visit_series(const Series& series, const Range& range, ScanOrder order,
                               const Visit& visit) {
  const std::vector<Cell*>& entries = series.entries();
  const auto first =
      std::lower_bound(entries.begin(), entries.end(), range.from_ms,
                       [](const Cell* cell, std::int64_t time) { return time_of(*cell) < time; });
  const auto end =
      std::upper_bound(first, entries.end(), range.to_ms,
                       [](std::int64_t time, const Cell* cell) { return time < time_of(*cell); });
  const auto visit_entry = [&](const Cell& cell) {
    return !type().has_value(cell.value()) || visit(series.key(), time_of(cell), cell);
  };
  if (order == ScanOrder::kForward) {
    for (auto at = first; at != end; ++at) {
      if (!visit_entry(**at)) return false;
    }
  } else {
    for (auto at = end; at != first;) {
      if (!visit_entry(**--at)) return false;
    }
  }
  return true;
}

// Effect: visits the segment's entries, in memory and on disk: a series in memory hides what the disk
// has of its key.
bool SeriesCells::visit_disk(Segment& segment, const Range& range, ScanOrder order,
                             const Visit& visit) {
  const Bytes number = number_bytes(segment.tag());
  Bytes from = number;
  if (range.key_from) append_escaped(*range.key_from, from);
  std::optional<Bytes> to = least_above(number);
  if (range.key_to) {
    to = number;
    append_escaped(*range.key_to, *to);
  }
  DiskEntries below(overlay()->disk().scan(BytesView(from), BytesView(*to), order), name(),
                    suffix_size(kind()));
  bool more = true;
  const auto take = [&] {
    const std::int64_t time = detail::load_int<std::int64_t>(below.suffix().data());
    if (time >= range.from_ms && time <= range.to_ms) {
      const auto cell = overlay()->read(segment, below.suffix(), below.value(), below.timestamp());
      if (type().has_value(cell->value())) more = visit(below.key(), time, *cell);
    }
    below.next();
  };
  segment.scan(range.key_from, range.key_to, order, [&](Cell& place) {
    const auto before = [&] {
      return order == ScanOrder::kForward ? below.key() < place.key() : below.key() > place.key();
    };
    while (more && below.valid() && before()) take();
    if (!more) return false;
    while (below.valid() && below.key() == place.key()) below.next();
    return more = visit_series(Series::of(place), range, order, visit);
  });
  while (more && below.valid()) take();
  return more;
}

void SeriesCells::fetch(BytesView key, std::int64_t from_ms, std::int64_t to_ms, ScanOrder order,
                        const Visit& visit) {
  const Range range{{}, {}, std::max(from_ms, least_readable()), to_ms};
  visit_segments(range, order, [&](Segment& segment) {
    const Series* series = find_series(segment, key);
    return series == nullptr || visit_series(*series, range, order, visit);
  });
}

void SeriesCells::scan(const Range& wanted, ScanOrder order, const Visit& visit) {
  Range range = wanted;
  range.from_ms = std::max(range.from_ms, least_readable());
  visit_segments(range, order, [&](Segment& segment) {
    if (!segment.all_in_memory) return visit_disk(segment, range, order, visit);
    bool more = true;
    segment.scan(range.key_from, range.key_to, order, [&](Cell& place) {
      return more = visit_series(Series::of(place), range, order, visit);
    });
    return more;
  });
}

void SeriesCells::visit_segments(const Range& range, ScanOrder order,
                                 const std::function<bool(Segment&)>& visit) {
  const auto first =
      segments().lower_bound(segment_number(std::max<std::int64_t>(range.from_ms, 0)));
  auto end = first;
  while (end != segments().end() && end->first <= segment_number(range.to_ms)) ++end;
  if (order == ScanOrder::kForward) {
    for (auto at = first; at != end; ++at) {
      if (!visit(*at->second)) return;
    }
  } else {
    for (auto at = end; at != first;) {
      if (!visit(*(--at)->second)) return;
    }
  }
}

// --- the layout ----------------------------------------------------------------------------------

std::int64_t SeriesCells::segment_number(std::int64_t time_ms) const {
  return time_ms / to_ms(interval_);
}

std::int64_t SeriesCells::last_time(std::int64_t segment) const {
  const std::int64_t interval = to_ms(interval_);
  return segment >= INT64_MAX / interval ? INT64_MAX : (segment + 1) * interval - 1;
}

SegmentedCells::Segment& SeriesCells::segment_of(const Cell& cell) const {
  const Cell& place = static_cast<const Series*>(cell.owner)->place();
  return *static_cast<Segment*>(static_cast<CellTable*>(place.owner));
}

void SeriesCells::write_changelog_key(const Cell& cell, Bytes& out) const {
  out.append(static_cast<const Series*>(cell.owner)->key()).append(cell.key());
}

void SeriesCells::write_disk_key(const EntryKey& key, Bytes& out) const {
  append_escaped(key.key, out);
  out.append(kEscapedEnd).append(key.suffix);
}

SegmentedCells::EntryKey SeriesCells::entry_key(const Cell& cell) const {
  return {static_cast<const Series*>(cell.owner)->key(), cell.key(), time_of(cell)};
}

std::optional<SegmentedCells::EntryKey> SeriesCells::parse(BytesView key,
                                                           std::string& reason) const {
  const std::size_t size = suffix_size(kind());
  if (key.size() < size) {
    reason =
        sessions() ? "its key is too short for a session's" : "its key is too short for a window's";
    return std::nullopt;
  }
  const BytesView behind = key.substr(key.size() - size);
  const std::int64_t time = detail::load_int<std::int64_t>(behind.data());
  const char* at = behind.data() + kTimeBytes;
  const std::int64_t second = sessions() ? detail::load_int<std::int64_t>(at)
                                         : std::int64_t{detail::load_int<std::int32_t>(at)};
  const bool fits = sessions()         ? second >= 0 && second <= time
                    : spec_.duplicates ? second >= 0
                                       : second == 0;
  if (time < 0 || !fits) {
    reason = sessions()         ? "its key is not one of a session store"
             : spec_.duplicates ? "its key is not one of a window store"
                                : "its key is not one of a window store without duplicates";
    return std::nullopt;
  }
  return EntryKey{key.substr(0, key.size() - size), behind, time};
}

Cell* SeriesCells::find_in(Segment& segment, const EntryKey& key) {
  Cell* place = segment.find(key.key, hash_of(key.key));
  return place == nullptr ? nullptr : Series::of(*place).find(key.suffix);
}

Cell& SeriesCells::make_in(Segment& segment, const EntryKey& key) {
  return entry_at(series_at(segment, key.key), key.suffix);
}

}  // namespace millrace::state
