#include "millrace/detail/window_cells.h"

#include <algorithm>
#include <utility>

#include "changelog_cell.h"
#include "millrace/detail/assert.h"
#include "millrace/detail/encoding.h"

namespace millrace::state {

namespace {

constexpr std::size_t kStartBytes = 8;
constexpr std::size_t kSequenceBytes = 4;
constexpr std::int32_t kSequence = 0;  // only stores that keep duplicates number them

constexpr char kSlotSuffix[] = ":s";

// Cells of dropped windows that a commit destroys at least. Beside it two for each changed cell:
// destroying then outruns making.
constexpr std::size_t kDismantleMin = 4096;

Offset lower(Offset a, Offset b) {
  if (a == kNoOffset || b == kNoOffset) return a == kNoOffset ? b : a;
  return std::min(a, b);
}

}  // namespace

WindowCells::WindowCells(std::string name, Duration size, Duration retention, const ValueType& type,
                         std::unique_ptr<ValueCodec> codec)
    : name_(std::move(name)),
      size_(size),
      retention_(retention),
      type_(type),
      codec_(std::move(codec)),
      changes_(type, footprint_) {
  MILLRACE_ASSERT(size_ > Duration::zero() && retention_ >= size_,
                  "a window store keeps less than a window");
  MILLRACE_ASSERT(codec_ != nullptr, "a store without a codec");
}

void WindowCells::bind(TaskMemory& memory) {
  memory_ = &memory;
  observed_ = memory.add(name_ + kSlotSuffix, Persisted::kYes);
}

// Never overflows: observed >= -1, retention > 0.
std::int64_t WindowCells::least_readable() const {
  MILLRACE_ASSERT(memory_ != nullptr, "a window store is used before it is bound");
  return (*memory_)[observed_] - to_ms(retention_) + 1;
}

bool WindowCells::readable(std::int64_t start_ms) const { return start_ms >= least_readable(); }

Cell* WindowCells::find(BytesView key, std::int64_t start_ms) const {
  if (!readable(start_ms)) return nullptr;
  const auto at = segments_.find(start_ms);
  return at == segments_.end() ? nullptr : at->second->find(key, hash_of(key));
}

Cell& WindowCells::at(BytesView key, std::int64_t start_ms) {
  MILLRACE_ASSERT(start_ms >= 0, "a window starts before the epoch");
  MILLRACE_ASSERT(readable(start_ms), "a window is changed that no read may show");
  observe(start_ms);
  return changes_.at(segment_at(start_ms), key);
}

void WindowCells::observe(std::int64_t start_ms) { memory_->raise(observed_, start_ms); }

void WindowCells::scan(std::int64_t from_ms, std::int64_t to_ms,
                       const std::function<bool(std::int64_t start_ms, const Cell&)>& visit) const {
  bool more = true;
  const auto first = segments_.lower_bound(std::max(from_ms, least_readable()));
  for (auto at = first; more && at != segments_.end() && at->first <= to_ms; ++at) {
    at->second->scan(std::nullopt, std::nullopt, [&](const Cell& cell) {
      if (type_.has_value(cell.value())) more = visit(at->first, cell);
      return more;
    });
  }
}

std::vector<std::int64_t> WindowCells::starts(std::int64_t from_ms, std::int64_t to_ms) const {
  std::vector<std::int64_t> starts;
  const auto first = segments_.lower_bound(std::max(from_ms, least_readable()));
  for (auto at = first; at != segments_.end() && at->first <= to_ms; ++at) {
    if (at->second->size() > 0) starts.push_back(at->first);
  }
  return starts;
}

void WindowCells::write_changes(ChangelogWriter& writer) {
  changes_.for_each([&](const Cell& cell) {
    if (!changes_.is_change(cell)) return;
    key_buffer_.assign(cell.key());
    detail::append_int(cell.table->tag(), key_buffer_);
    detail::append_int(kSequence, key_buffer_);
    write_cell(cell, key_buffer_, type_, *codec_, value_buffer_, writer);
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
  changes_.commit();
  release_touched();
  reread_cells(changed, name_, *codec_, changes_);  // while their windows are there
  drop_unreadable();
  dismantle(kDismantleMin + 2 * changes);
}

void WindowCells::abort() {
  gather_touched();
  changes_.abort();
  release_touched();
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

// Effect: touched_ begins the list of the windows of the transaction's cells. Allocates nothing, so
// that commit() and abort() cannot fail.
void WindowCells::gather_touched() {
  changes_.for_each([&](const Cell& cell) {
    auto& segment = static_cast<Segment&>(*cell.table);
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
    if (segment.size() == 0) drop(segments_.find(segment.tag()));
  }
}

void WindowCells::drop(Segments::iterator at) {
  lowest_dropped_ = lower(lowest_dropped_, at->second->lowest);
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
    drop_unreadable();
  }
  dismantle(2);
}

}  // namespace millrace::state
