#include "millrace/detail/assert.h"
#include "millrace/detail/disk_host.h"

namespace millrace::state {

std::optional<Bytes> least_above(BytesView prefix) {
  Bytes above(prefix);
  while (!above.empty() && above.back() == '\xff') above.pop_back();
  if (above.empty()) return std::nullopt;
  ++above.back();
  return above;
}

bool is_stale(Timestamp complete_as_of, Timestamp now, Duration deletions_kept) {
  if (deletions_kept == Duration::max() || now == kNoTimestamp) return false;
  // Compaction counts from its own beginning, on a clock of its own: half leaves room for both.
  return complete_as_of == kNoTimestamp || now - complete_as_of > deletions_kept / 2;
}

CommitBatch::Piece CommitBatch::keep(BytesView bytes) {
  const Piece piece{bytes_.size(), static_cast<std::uint32_t>(bytes.size())};
  bytes_.append(bytes);
  return piece;
}

void CommitBatch::put(BytesView key, BytesView value, Timestamp timestamp) {
  const Piece at = keep(key);
  entries_.push_back({at, keep(value), false, timestamp});
}

void CommitBatch::erase(BytesView key) { entries_.push_back({keep(key), {}, true, kNoTimestamp}); }

void CommitBatch::drop(BytesView from, BytesView to) {
  MILLRACE_ASSERT(from < to, "an empty range is dropped");
  const Piece first = keep(from);
  drops_.emplace_back(first, keep(to));
}

void CommitBatch::set_fact(std::string_view name, BytesView value) {
  const Piece at = keep(name);
  facts_.push_back({at, keep(value), false, kNoTimestamp});
}

void CommitBatch::erase_fact(std::string_view name) {
  facts_.push_back({keep(name), {}, true, kNoTimestamp});
}

bool CommitBatch::empty() const {
  return entries_.empty() && drops_.empty() && facts_.empty() && last_ == kNoOffset;
}

std::size_t CommitBatch::bytes() const {
  return sizeof(*this) + bytes_.capacity() +
         (entries_.capacity() + facts_.capacity()) * sizeof(Stored) +
         drops_.capacity() * sizeof(std::pair<Piece, Piece>);
}

CommitBatch::Entry CommitBatch::entry(std::size_t i) const {
  const Stored& stored = entries_[i];
  return {view(stored.key),
          stored.deleted ? OptionalBytesView() : OptionalBytesView(view(stored.value)),
          stored.timestamp};
}

CommitBatch::Range CommitBatch::dropped(std::size_t i) const {
  return {view(drops_[i].first), view(drops_[i].second)};
}

CommitBatch::Fact CommitBatch::fact(std::size_t i) const {
  const Stored& stored = facts_[i];
  return {view(stored.key),
          stored.deleted ? OptionalBytesView() : OptionalBytesView(view(stored.value))};
}

}  // namespace millrace::state
