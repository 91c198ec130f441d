#include "millrace/detail/window_cells.h"

#include <algorithm>
#include <utility>

#include "changelog_cell.h"
#include "millrace/detail/assert.h"
#include "millrace/detail/encoding.h"
#include "overlay.h"

namespace millrace::state {

namespace {

constexpr std::size_t kStartBytes = 8;
constexpr std::size_t kSequenceBytes = 4;
constexpr std::int32_t kSequence = 0;  // only stores that keep duplicates number them

constexpr char kSlotSuffix[] = ":s";

// Cells of dropped windows that a commit destroys at least. Beside it two for each changed cell:
// destroying then outruns making.
constexpr std::size_t kDismantleMin = 4096;

// Facts on disk. The names of windows' facts end with the start, 8 bytes.
constexpr std::string_view kObservedFact = "observed";
constexpr std::string_view kWindowFact = "window/";

Bytes number_bytes(std::int64_t number) {
  Bytes bytes;
  detail::append_int(number, bytes);
  return bytes;
}

std::int64_t number_in(BytesView bytes) {
  return detail::read_int<std::int64_t>(bytes).value_or(TaskMemory::kUnknown);
}

Bytes window_fact(std::int64_t start_ms) { return Bytes(kWindowFact) + number_bytes(start_ms); }

Bytes disk_key(std::int64_t start_ms, BytesView key) { return number_bytes(start_ms).append(key); }

Offset lower(Offset a, Offset b) {
  if (a == kNoOffset || b == kNoOffset) return a == kNoOffset ? b : a;
  return std::min(a, b);
}

}  // namespace

WindowCells::WindowCells(std::string name, Duration size, Duration retention, const ValueType& type,
                         std::unique_ptr<ValueCodec> codec, DiskTable* disk)
    : name_(std::move(name)),
      size_(size),
      retention_(retention),
      type_(type),
      codec_(std::move(codec)),
      changes_(type, footprint_),
      overlay_(disk == nullptr ? nullptr : new Overlay(*disk, name_, type, *codec_, footprint_)) {
  MILLRACE_ASSERT(size_ > Duration::zero() && retention_ >= size_,
                  "a window store keeps less than a window");
  MILLRACE_ASSERT(codec_ != nullptr, "a store without a codec");
  if (overlay_ == nullptr) return;
  for (const auto& [fact, lowest] : overlay_->disk().facts(kWindowFact)) {
    Segment& segment = segment_at(number_in(BytesView(fact).substr(kWindowFact.size())));
    segment.lowest = Offset(number_in(lowest));
    segment.on_disk = true;
    segment.all_in_memory = false;
  }
}

WindowCells::~WindowCells() = default;

void WindowCells::bind(TaskMemory& memory) {
  memory_ = &memory;
  observed_ = memory.add(name_ + kSlotSuffix, Persisted::kYes);
  if (overlay_ == nullptr) return;
  if (const auto observed = overlay_->disk().fact(kObservedFact)) {
    observed_on_disk_ = number_in(*observed);
    memory.load(name_ + kSlotSuffix, observed_on_disk_);
  }
}

// Never overflows: observed >= -1, retention > 0.
std::int64_t WindowCells::least_readable() const {
  MILLRACE_ASSERT(memory_ != nullptr, "a window store is used before it is bound");
  return (*memory_)[observed_] - to_ms(retention_) + 1;
}

bool WindowCells::readable(std::int64_t start_ms) const { return start_ms >= least_readable(); }

Cell* WindowCells::find(BytesView key, std::int64_t start_ms) {
  if (!readable(start_ms)) return nullptr;
  const auto at = segments_.find(start_ms);
  if (at == segments_.end()) return nullptr;
  const std::uint64_t hash = hash_of(key);
  Cell* cell = at->second->find(key, hash);
  if (overlay_ == nullptr) return cell;
  if (cell == nullptr) cell = load(*at->second, key, hash);
  if (cell == nullptr || (cell->undo == nullptr && !type_.has_value(cell->value()))) return nullptr;
  cell->used = 1;
  return cell;
}

Cell& WindowCells::at(BytesView key, std::int64_t start_ms) {
  MILLRACE_ASSERT(start_ms >= 0, "a window starts before the epoch");
  MILLRACE_ASSERT(readable(start_ms), "a window is changed that no read may show");
  observe(start_ms);
  Segment& segment = segment_at(start_ms);
  if (overlay_ != nullptr) {
    const std::uint64_t hash = hash_of(key);
    Cell* cell = segment.find(key, hash);
    if (cell == nullptr) cell = load(segment, key, hash);
    if (cell != nullptr) {
      cell->used = 1;
      if (cell->listed && !type_.has_value(cell->value())) changes_.hold(*cell);
      return *cell;
    }
  }
  return changes_.at(segment, key);
}

// As KeyValueCells::load().
Cell* WindowCells::load(Segment& segment, BytesView key, std::uint64_t hash) {
  if (segment.all_in_memory) return nullptr;
  bool created = false;
  Cell& cell = segment.find_or_insert(key, hash, created);
  try {
    overlay_->load(disk_key(segment.tag(), key), cell);
  } catch (...) {
    segment.erase(cell);
    throw;
  }
  return &cell;
}

void WindowCells::prefetch(std::span<const BytesView> keys, std::int64_t start_ms) {
  const auto at = segments_.find(start_ms);
  if (at == segments_.end() || at->second->all_in_memory || !readable(start_ms)) return;
  overlay_->prefetch(number_bytes(start_ms), keys, *at->second);
}

void WindowCells::observe(std::int64_t start_ms) { memory_->raise(observed_, start_ms); }

void WindowCells::scan(const Range& range, ScanOrder order,
                       const std::function<bool(std::int64_t start_ms, const Cell&)>& visit) {
  bool more = true;
  const auto scan_window = [&](Segment& segment) {
    const auto visit_cell = [&](const Cell& cell) {
      return more = !type_.has_value(cell.value()) || visit(segment.tag(), cell);
    };
    if (overlay_ != nullptr && !segment.all_in_memory) {
      overlay_->scan(number_bytes(segment.tag()), range.key_from, range.key_to, order, segment,
                     visit_cell);
    } else {
      segment.scan(range.key_from, range.key_to, order, visit_cell);
    }
  };
  const auto first = segments_.lower_bound(std::max(range.from_ms, least_readable()));
  auto end = first;
  while (end != segments_.end() && end->first <= range.to_ms) ++end;
  if (order == ScanOrder::kForward) {
    for (auto at = first; more && at != end; ++at) scan_window(*at->second);
  } else {
    for (auto at = end; more && at != first;) scan_window(*(--at)->second);
  }
}

std::vector<std::int64_t> WindowCells::starts(std::int64_t from_ms, std::int64_t to_ms) const {
  std::vector<std::int64_t> starts;
  const auto first = segments_.lower_bound(std::max(from_ms, least_readable()));
  for (auto at = first; at != segments_.end() && at->first <= to_ms; ++at) {
    if (at->second->size() > 0 || !at->second->all_in_memory) starts.push_back(at->first);
  }
  return starts;
}

void WindowCells::write_changes(ChangelogWriter& writer) {
  if (overlay_ != nullptr) overlay_->begin(changes_);
  changes_.for_each([&](const Cell& cell) {
    if (!changes_.is_change(cell)) return;
    const std::int64_t start = segment_of(cell).tag();
    key_buffer_.assign(cell.key());
    detail::append_int(start, key_buffer_);
    detail::append_int(kSequence, key_buffer_);
    const auto value = write_cell(cell, key_buffer_, type_, *codec_, value_buffer_, writer);
    if (overlay_ == nullptr) return;
    key_buffer_.clear();
    detail::append_int(start, key_buffer_);
    overlay_->write(key_buffer_.append(cell.key()), value, cell.timestamp);
  });
}

void WindowCells::commit(ChangelogRange written) {
  const std::size_t changes = changes_.size();
  gather_touched();
  for (Segment* segment = touched_; segment != nullptr; segment = segment->next_touched) {
    segment->lowest = lower(segment->lowest, written.first);
  }
  std::vector<Cell*> changed;
  if (forget_) changed = cells_with_value(changes_, type_);
  if (overlay_ != nullptr) {
    for (Segment* segment = touched_; segment != nullptr; segment = segment->next_touched) {
      if (!segment->on_disk) tell_disk_of(*segment);
    }
    tell_disk();
    overlay_->commit(written, changes_);
  } else {
    changes_.commit();
  }
  release_touched();
  reread_cells(changed, name_, *codec_, changes_);  // while their windows are there
  drop_unreadable();
  dismantle(kDismantleMin + 2 * changes);
}

void WindowCells::abort() {
  gather_touched();
  if (overlay_ != nullptr) {
    overlay_->abort(changes_);
  } else {
    changes_.abort();
  }
  release_touched();
}

Offset WindowCells::restored_to() const {
  return overlay_ != nullptr ? overlay_->reached() : kNoOffset;
}

Status WindowCells::restore(BytesView key, OptionalBytesView value, Timestamp timestamp,
                            Offset offset) {
  MILLRACE_ASSERT(changes_.empty(), "a store is restored in the middle of a transaction");
  if (key.size() < kStartBytes + kSequenceBytes) {
    return undecodable(name_, offset, "its key is too short for a window's");
  }
  BytesView behind = key.substr(key.size() - kStartBytes - kSequenceBytes);
  key.remove_suffix(kStartBytes + kSequenceBytes);
  const std::int64_t start = *detail::read_int<std::int64_t>(behind);
  const std::int32_t sequence = *detail::read_int<std::int32_t>(behind);
  if (start < 0 || sequence != kSequence) {
    return undecodable(name_, offset, "its key is not one of a window store without duplicates");
  }

  if (overlay_ != nullptr) {
    restore_to_disk(key, start, value, timestamp, offset);
    return Status::success();
  }
  const auto at = segments_.find(start);
  if (!readable(start) || (!value && at == segments_.end())) {
    lowest_dropped_ = lower(lowest_dropped_, offset);
    observe_committed(start);
    return Status::success();
  }
  Segment& segment = value ? segment_at(start) : *at->second;
  std::optional<std::string> failure;
  if (value || segment.find(key, hash_of(key)) != nullptr) {
    failure = restore_cell(changes_.at(segment, key), value, timestamp, *codec_, changes_);
  }
  if (!failure) segment.lowest = lower(segment.lowest, offset);
  if (segment.size() == 0) drop(segments_.find(start));
  if (failure) return undecodable(name_, offset, *failure);
  observe_committed(start);
  return Status::success();
}

// Effect: as restore(), past memory.
void WindowCells::restore_to_disk(BytesView key, std::int64_t start_ms, OptionalBytesView value,
                                  Timestamp timestamp, Offset offset) {
  const bool known = segments_.contains(start_ms);
  if (!readable(start_ms) || (!value && !known)) {
    lowest_dropped_ = lower(lowest_dropped_, offset);
    overlay_->restore(std::nullopt, std::nullopt, timestamp, offset);
  } else {
    Segment& segment = segment_at(start_ms);
    MILLRACE_ASSERT(segment.size() == 0, "a store that was used is restored");
    segment.all_in_memory = false;
    segment.lowest = lower(segment.lowest, offset);
    if (!segment.on_disk) tell_disk_of(segment);
    overlay_->restore(BytesView(disk_key(start_ms, key)), value, timestamp, offset);
  }
  observe_committed(start_ms);
}

void WindowCells::finish_restore() {
  if (overlay_ == nullptr) return;
  tell_disk();
  drop_unreadable();
  overlay_->finish_restore();
}

bool WindowCells::restored() const { return overlay_ == nullptr || overlay_->restored(); }

std::size_t WindowCells::evict(std::size_t bytes) {
  if (overlay_ == nullptr) return 0;
  overlay_->sweep();
  std::size_t cells = kEvictionStep;
  std::size_t left = bytes;
  // From one window to the next, round and round.
  for (std::size_t windows = segments_.size(); windows > 0 && cells > 0 && left > 0; --windows) {
    auto at = segments_.lower_bound(evict_from_);
    if (at == segments_.end()) at = segments_.begin();
    const std::size_t before = left;
    const bool around =
        at->second->evict(cells, left, [&](const Cell& cell) { return overlay_->may_go(cell); });
    if (left != before) at->second->all_in_memory = false;
    evict_from_ = at->first;
    if (around && ++at != segments_.end()) evict_from_ = at->first;
    if (around && at == segments_.end()) evict_from_ = 0;
  }
  return bytes - left;
}

std::optional<Offset> WindowCells::purge_below() const {
  Offset live = kNoOffset;
  for (const auto& [start, segment] : segments_) {
    if (segment->lowest == kNoOffset) return std::nullopt;
    live = lower(live, segment->lowest);
  }
  const bool something_may_go = lowest_dropped_ != kNoOffset && lowest_dropped_ < live;
  return something_may_go ? std::optional(live) : std::nullopt;
}

WindowCells::Segment& WindowCells::segment_at(std::int64_t start_ms) {
  std::unique_ptr<Segment>& segment = segments_[start_ms];
  if (segment == nullptr) {
    try {
      segment.reset(new Segment(type_, start_ms, footprint_));
    } catch (...) {
      segments_.erase(start_ms);
      throw;
    }
  }
  return *segment;
}

WindowCells::Segment& WindowCells::segment_of(const Cell& cell) {
  return *static_cast<Segment*>(static_cast<CellTable*>(cell.owner));
}

// Effect: the batch says that this window is on disk from here on.
void WindowCells::tell_disk_of(Segment& segment) {
  segment.on_disk = true;
  overlay_->batch().set_fact(window_fact(segment.tag()), number_bytes(segment.lowest.value()));
}

// Effect: the batch says what time it is, and takes the windows away that no read may show any more.
void WindowCells::tell_disk() {
  CommitBatch& batch = overlay_->batch();
  const std::int64_t observed = (*memory_)[observed_];
  if (observed != observed_on_disk_) {
    observed_on_disk_ = observed;
    batch.set_fact(kObservedFact, number_bytes(observed));
  }
  for (const auto& [start, segment] : segments_) {
    if (readable(start)) break;
    if (!std::exchange(segment->on_disk, false)) continue;
    batch.drop(number_bytes(start), *least_above(number_bytes(start)));
    batch.erase_fact(window_fact(start));
  }
}

// Effect: touched_ begins the list of the windows of the transaction's cells. Allocates nothing, so
// that commit() and abort() cannot fail.
void WindowCells::gather_touched() {
  changes_.for_each([&](const Cell& cell) {
    Segment& segment = segment_of(cell);
    if (segment.touched) return;
    segment.touched = true;
    segment.next_touched = std::exchange(touched_, &segment);
  });
}

// Effect: no window is touched; those that a deletion or an abort left empty are gone.
void WindowCells::release_touched() {
  while (touched_ != nullptr) {
    Segment& segment = *touched_;
    touched_ = std::exchange(segment.next_touched, nullptr);
    segment.touched = false;
    if (segment.size() == 0 && !segment.on_disk) drop(segments_.find(segment.tag()));
  }
}

void WindowCells::drop(Segments::iterator at) {
  lowest_dropped_ = lower(lowest_dropped_, at->second->lowest);
  if (overlay_ != nullptr) {
    overlay_->forget([&](const Cell& cell) { return &segment_of(cell) == at->second.get(); });
  }
  if (at->second->size() > 0) {
    dropped_.insert(segments_.extract(at));
  } else {
    segments_.erase(at);
  }
}

void WindowCells::drop_unreadable() {
  while (!segments_.empty() && !readable(segments_.begin()->first)) drop(segments_.begin());
}

void WindowCells::dismantle(std::size_t budget) {
  while (!dropped_.empty() && dropped_.begin()->second->dismantle(budget)) {
    dropped_.erase(dropped_.begin());
  }
}

// Effect: as observe() in a transaction that is committed at once.
void WindowCells::observe_committed(std::int64_t start_ms) {
  if (start_ms > (*memory_)[observed_]) {
    memory_->load(name_ + kSlotSuffix, start_ms);
    if (overlay_ != nullptr) tell_disk();
    drop_unreadable();
  }
  dismantle(2);
}

}  // namespace millrace::state
