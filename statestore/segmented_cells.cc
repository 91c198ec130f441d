#include "millrace/detail/segmented_cells.h"

#include <algorithm>
#include <utility>

#include "big_endian.h"
#include "changelog_cell.h"
#include "millrace/detail/assert.h"
#include "overlay.h"

namespace millrace::state {

namespace {

constexpr char kSlotSuffix[] = ":s";

// Cells of dropped segments that a commit destroys at least. Beside it two for each changed cell:
// destroying then outruns making.
constexpr std::size_t kDismantleMin = 4096;

// Facts on disk. The names of segments' facts end with the number, 8 bytes.
constexpr std::string_view kObservedFact = "observed";
constexpr std::string_view kSegmentFact = "segment/";

Bytes segment_fact(std::int64_t number) { return Bytes(kSegmentFact) + number_bytes(number); }

Offset lower(Offset a, Offset b) {
  if (a == kNoOffset || b == kNoOffset) return a == kNoOffset ? b : a;
  return std::min(a, b);
}

}  // namespace

SegmentedCells::SegmentedCells(SegmentedSpec spec, const ValueType& type, const ValueType& index,
                               std::unique_ptr<ValueCodec> codec, DiskTable* disk)
    : spec_(std::move(spec)),
      type_(type),
      index_type_(index),
      codec_(std::move(codec)),
      changes_(type, footprint_),
      overlay_(disk == nullptr ? nullptr
                               : new Overlay(*disk, spec_.name, type, *codec_, footprint_)) {
  MILLRACE_ASSERT(spec_.retention > Duration::zero(), "a store keeps nothing");
  MILLRACE_ASSERT(codec_ != nullptr, "a store without a codec");
  if (overlay_ == nullptr) return;
  for (const auto& [fact, lowest] : overlay_->disk().facts(kSegmentFact)) {
    Segment& segment = segment_at(number_in(BytesView(fact).substr(kSegmentFact.size())));
    segment.lowest = Offset(number_in(lowest));
    segment.on_disk = true;
    segment.all_in_memory = false;
  }
}

SegmentedCells::~SegmentedCells() = default;

void SegmentedCells::bind(TaskMemory& memory) {
  memory_ = &memory;
  observed_ = memory.add(spec_.name + kSlotSuffix, Persisted::kYes);
  if (overlay_ == nullptr) return;
  if (const auto observed = overlay_->disk().fact(kObservedFact)) {
    observed_on_disk_ = number_in(*observed);
    memory.load(spec_.name + kSlotSuffix, observed_on_disk_);
  }
}

// Never overflows: observed >= -1, retention > 0.
std::int64_t SegmentedCells::least_readable() const {
  MILLRACE_ASSERT(memory_ != nullptr, "a store of windows is used before it is bound");
  return (*memory_)[observed_] - to_ms(spec_.retention) + 1;
}

void SegmentedCells::write_some(ChangelogWriter& writer, std::size_t& budget) {
  const auto begin = [this] {
    if (overlay_ != nullptr) overlay_->begin(changes_);
  };
  const auto write = [&](const Cell& cell) {
    if (!changes_.is_change(cell)) return;
    changelog_key_.clear();
    write_changelog_key(cell, changelog_key_);
    const auto value = write_cell(cell, changelog_key_, type_, *codec_, value_buffer_, writer);
    if (overlay_ == nullptr) return;
    disk_key_.assign(number_bytes(segment_of(cell).tag()));
    write_disk_key(entry_key(cell), disk_key_);
    overlay_->write(disk_key_, value, cell.timestamp);
  };
  changes_.for_some(begin, write, budget);
}

void SegmentedCells::commit(ChangelogRange written) {
  const std::size_t changes = changes_.size();
  forget_absent();
  changes_.for_each([this](const Cell& cell) { touch(segment_of(cell)); });
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
  reread_cells(changed, spec_.name, *codec_, changes_);  // while their segments are there
  drop_unreadable();
  dismantle(kDismantleMin + 2 * changes);
}

void SegmentedCells::abort() {
  forget_absent();
  changes_.for_each([this](const Cell& cell) { touch(segment_of(cell)); });
  if (overlay_ != nullptr) {
    overlay_->abort(changes_);
  } else {
    changes_.abort();
  }
  release_touched();
}

void SegmentedCells::roll_back() {
  forget_absent();
  changes_.for_each_since_savepoint([this](const Cell& cell) { touch(segment_of(cell)); });
  changes_.roll_back();
  release_touched();
}

void SegmentedCells::check_changes(ChangelogWriter& writer) {
  changes_.for_each_since_savepoint([&](const Cell& cell) {
    changelog_key_.clear();
    write_changelog_key(cell, changelog_key_);
    write_cell(cell, changelog_key_, type_, *codec_, value_buffer_, writer);
  });
}

Offset SegmentedCells::restored_to() const {
  return overlay_ != nullptr ? overlay_->reached() : kNoOffset;
}

Status SegmentedCells::restore(BytesView changelog_key, OptionalBytesView value,
                               Timestamp timestamp, Offset offset) {
  MILLRACE_ASSERT(changes_.empty(), "a store is restored in the middle of a transaction");
  std::string reason;
  const std::optional<EntryKey> key = parse(changelog_key, reason);
  if (!key) return undecodable(spec_.name, offset, reason);
  if (overlay_ != nullptr) {
    restore_to_disk(*key, value, timestamp, offset);
    return Status::success();
  }
  const std::int64_t number = segment_number(key->time);
  const Segment* known = find_segment(number);
  if (!readable(key->time) || (!value && known == nullptr)) {
    lowest_dropped_ = lower(lowest_dropped_, offset);
    observe_committed(key->time);
    return Status::success();
  }
  Segment& segment = segment_at(number);
  std::optional<std::string> failure;
  if (value || find_in(segment, *key) != nullptr) {
    failure = restore_cell(make_in(segment, *key), value, timestamp, *codec_, changes_);
  }
  if (!failure) segment.lowest = lower(segment.lowest, offset);
  if (segment.size() == 0) drop(segments_.find(number));
  if (failure) return undecodable(spec_.name, offset, *failure);
  observe_committed(key->time);
  return Status::success();
}

// Effect: as restore(), past memory.
void SegmentedCells::restore_to_disk(const EntryKey& key, OptionalBytesView value,
                                     Timestamp timestamp, Offset offset) {
  const std::int64_t number = segment_number(key.time);
  if (!readable(key.time) || (!value && find_segment(number) == nullptr)) {
    lowest_dropped_ = lower(lowest_dropped_, offset);
    overlay_->restore(std::nullopt, std::nullopt, timestamp, offset);
  } else {
    Segment& segment = segment_at(number);
    MILLRACE_ASSERT(segment.size() == 0, "a store that was used is restored");
    segment.all_in_memory = false;
    segment.lowest = lower(segment.lowest, offset);
    if (!segment.on_disk) tell_disk_of(segment);
    disk_key_.assign(number_bytes(number));
    write_disk_key(key, disk_key_);
    overlay_->restore(BytesView(disk_key_), value, timestamp, offset);
  }
  observe_committed(key.time);
}

void SegmentedCells::finish_restore() {
  if (overlay_ == nullptr) return;
  tell_disk();
  drop_unreadable();
  overlay_->finish_restore();
}

bool SegmentedCells::restored() const { return overlay_ == nullptr || overlay_->restored(); }

std::size_t SegmentedCells::evict(std::size_t bytes) {
  if (overlay_ == nullptr) return 0;
  forget_absent();
  overlay_->sweep();
  std::size_t cells = kEvictionStep;
  std::size_t left = bytes;
  // From one segment to the next, round and round.
  for (std::size_t count = segments_.size(); count > 0 && cells > 0 && left > 0; --count) {
    auto at = segments_.lower_bound(evict_from_);
    if (at == segments_.end()) at = segments_.begin();
    const std::size_t before = left;
    const bool around =
        at->second->evict(cells, left, [this](const Cell& cell) { return may_go(cell); });
    if (left != before) at->second->all_in_memory = false;
    evict_from_ = at->first;
    if (around) evict_from_ = ++at == segments_.end() ? segments_.begin()->first : at->first;
  }
  return bytes - left;
}

std::optional<Offset> SegmentedCells::purge_below() const {
  Offset live = kNoOffset;
  for (const auto& [number, segment] : segments_) {
    if (segment->lowest == kNoOffset) return std::nullopt;
    live = lower(live, segment->lowest);
  }
  const bool something_may_go = lowest_dropped_ != kNoOffset && lowest_dropped_ < live;
  return something_may_go ? std::optional(live) : std::nullopt;
}

SegmentedCells::Segment* SegmentedCells::find_segment(std::int64_t number) {
  const auto at = segments_.find(number);
  return at == segments_.end() ? nullptr : at->second.get();
}

SegmentedCells::Segment& SegmentedCells::segment_at(std::int64_t number) {
  std::unique_ptr<Segment>& segment = segments_[number];
  if (segment == nullptr) {
    try {
      segment.reset(new Segment(index_type_, number, footprint_));
    } catch (...) {
      segments_.erase(number);
      throw;
    }
  }
  return *segment;
}

// Effect: the batch says that this segment is on disk from here on.
void SegmentedCells::tell_disk_of(Segment& segment) {
  segment.on_disk = true;
  overlay_->batch().set_fact(segment_fact(segment.tag()), number_bytes(segment.lowest.value()));
}

// Effect: the batch says what time it is, and takes the segments away that no read may show any more.
void SegmentedCells::tell_disk() {
  CommitBatch& batch = overlay_->batch();
  const std::int64_t observed = (*memory_)[observed_];
  if (observed != observed_on_disk_) {
    observed_on_disk_ = observed;
    batch.set_fact(kObservedFact, number_bytes(observed));
  }
  for (const auto& [number, segment] : segments_) {
    if (readable(last_time(number))) break;
    if (!std::exchange(segment->on_disk, false)) continue;
    batch.drop(number_bytes(number), *least_above(number_bytes(number)));
    batch.erase_fact(segment_fact(number));
  }
}

// Effect: the segment is in the list that touched_ begins. Allocates nothing, so that commit() and
// abort() cannot fail.
void SegmentedCells::touch(Segment& segment) {
  if (segment.touched) return;
  segment.touched = true;
  segment.next_touched = std::exchange(touched_, &segment);
}

// Effect: no segment is touched; those that a deletion or an abort left empty are gone.
void SegmentedCells::release_touched() {
  while (touched_ != nullptr) {
    Segment& segment = *touched_;
    touched_ = std::exchange(segment.next_touched, nullptr);
    segment.touched = false;
    if (segment.size() == 0 && !segment.on_disk) drop(segments_.find(segment.tag()));
  }
}

void SegmentedCells::drop(Segments::iterator at) {
  lowest_dropped_ = lower(lowest_dropped_, at->second->lowest);
  if (at->second->size() > 0) {
    dropped_.insert(segments_.extract(at));
  } else {
    segments_.erase(at);
  }
}

void SegmentedCells::drop_unreadable() {
  const auto ends = [this](std::int64_t number) { return !readable(last_time(number)); };
  if (segments_.empty() || !ends(segments_.begin()->first)) return;
  if (overlay_ != nullptr) {
    forget_absent();
    overlay_->forget([&](const Cell& cell) { return ends(segment_of(cell).tag()); });
  }
  while (!segments_.empty() && ends(segments_.begin()->first)) drop(segments_.begin());
}

void SegmentedCells::dismantle(std::size_t budget) {
  while (!dropped_.empty() && dropped_.begin()->second->dismantle(budget)) {
    dropped_.erase(dropped_.begin());
  }
}

// Effect: as observe() in a transaction that is committed at once.
void SegmentedCells::observe_committed(std::int64_t time_ms) {
  if (time_ms > (*memory_)[observed_]) {
    memory_->load(spec_.name + kSlotSuffix, time_ms);
    if (overlay_ != nullptr) tell_disk();
    drop_unreadable();
  }
  dismantle(2);
}

}  // namespace millrace::state
