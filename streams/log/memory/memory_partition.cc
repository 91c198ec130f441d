#include "log/memory/memory_partition.h"

#include <string>
#include <unordered_map>

#include "millrace/detail/assert.h"

namespace millrace::log::memory {

Offset MemoryPartition::append(const OutgoingRecord& record, Timestamp stamp,
                               TransactionNumber transaction) {
  if (transaction != kNoTransaction &&
      std::ranges::find(open_, transaction, &Open::transaction) == open_.end()) {
    open_.push_back({transaction, end_});
  }
  if (segments_.empty() || segments_.back()->full())
    segments_.push_back(std::make_shared<Segment>());
  const Offset offset = end_;
  segments_.back()->append(offset, stamp, record.key, record.value, *record.headers, transaction);
  ++end_;
  return offset;
}

void MemoryPartition::end_transaction(TransactionNumber transaction) {
  std::erase_if(open_, [&](const Open& open) { return open.transaction == transaction; });
  ++end_;
  tell_watchers();
}

Offset MemoryPartition::last_stable() const {
  if (open_.empty()) return end_;
  return std::max(open_.front().first, start_);
}

void MemoryPartition::delete_below(Offset offset) {
  MILLRACE_ASSERT(offset <= end_, "records are deleted beyond the end");
  if (offset <= start_) return;
  start_ = offset;
  while (!segments_.empty()) {
    const Segment& oldest = *segments_.front();
    if (Offset(oldest[oldest.size() - 1].offset) >= offset) break;
    segments_.pop_front();
  }
  tell_watchers();
}

void MemoryPartition::compact() {
  const Offset limit = last_stable();
  std::unordered_map<BytesView, std::int64_t> newest;  // looked up only
  visit(start_, limit, Isolation::kReadCommitted, [&](const Segment::Entry& e, const auto&) {
    if (const auto key = Segment::key(e)) newest[*key] = e.offset;
    return true;
  });
  std::deque<std::shared_ptr<Segment>> kept;
  visit(start_, end_, Isolation::kReadUncommitted, [&](const Segment::Entry& e, const auto&) {
    if (Offset(e.offset) < limit) {
      const auto key = Segment::key(e);
      const bool stays = key && e.value_size >= 0 && !outcomes_.aborted(e.transaction) &&
                         newest.at(*key) == e.offset;
      if (!stays) return true;
    }
    if (kept.empty() || kept.back()->full()) kept.push_back(std::make_shared<Segment>());
    kept.back()->append(Offset(e.offset), from_ms(e.timestamp), Segment::key(e), Segment::value(e),
                        *e.headers, e.transaction);
    return true;
  });
  segments_ = std::move(kept);
}

void MemoryPartition::tell_watchers() {
  for (Watcher* watcher : watchers_) watcher->partition_changed();
}

}  // namespace millrace::log::memory
