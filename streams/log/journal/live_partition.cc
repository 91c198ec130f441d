#include "log/journal/live_partition.h"

#include <algorithm>

#include "millrace/detail/assert.h"

namespace millrace::log::journal {

namespace {
// What an entry costs beside its records.
constexpr std::size_t kEntryBytes = 64;
}  // namespace

Offset LivePartition::append(std::shared_ptr<const FlushedRecords> records,
                             const std::shared_ptr<JournalTransaction>& transaction) {
  const Offset base = end();
  const Offset next = base + records->records();
  entries_.push_back({base, next, std::move(records), transaction});
  end_.store(next, std::memory_order_release);
  return base;
}

void LivePartition::append_marker(const std::shared_ptr<JournalTransaction>& transaction) {
  const Offset base = end();
  entries_.push_back({base, base + 1, nullptr, transaction});
  end_.store(base + 1, std::memory_order_release);
}

std::vector<std::size_t> LivePartition::settle() {
  std::vector<std::size_t> passed;
  for (; settled_ < entries_.size(); ++settled_) {
    Entry& entry = entries_[settled_];
    if (!entry.transaction->is_settled()) break;
    entry.aborted = entry.transaction->state == JournalTransaction::State::kAborted;
    entry.transaction.reset();
    passed.push_back(kEntryBytes + (entry.records ? entry.records->bytes().size() : 0));
  }
  settled_end_.store(settled_ < entries_.size() ? entries_[settled_].base : end(),
                     std::memory_order_release);
  return passed;
}

void LivePartition::evict_front() {
  MILLRACE_ASSERT(settled_ > 0, "an entry leaves memory before it is settled");
  entries_.pop_front();
  --settled_;
}

const LivePartition::Entry* LivePartition::find(Offset offset) const {
  const auto found =
      std::ranges::upper_bound(entries_, offset, {}, [](const Entry& e) { return e.next; });
  return found == entries_.end() ? nullptr : &*found;
}

void LivePartition::wake_watchers(Isolation isolation) const {
  for (const Watcher* watcher : watchers_) {
    if (watcher->isolation == isolation) watcher->inbox->wake();
  }
}

void LivePartition::wake_watchers() const {
  for (const Watcher* watcher : watchers_) watcher->inbox->wake();
}

}  // namespace millrace::log::journal
