#include "log/journal/transaction_frame.h"

#include <set>

#include "log/journal/live_topics.h"

namespace millrace::log::journal {

namespace {

using State = JournalTransaction::State;

void add_partition(const LivePartition& partition, Timestamp now,
                   std::vector<FrameBatch>& batches) {
  const std::size_t before = batches.size();
  const auto first = partition.unsettled_begin();
  auto entry = first;
  // Behind the records of a transaction that is settled its marker may be left.
  const auto goes = [](const LivePartition::Entry& e) {
    return e.transaction->chosen || e.transaction->is_settled();
  };
  for (; entry != partition.unsettled_end() && goes(*entry); ++entry) {
    const bool committed = entry->transaction->state != State::kAborting;
    if (!entry->records || !committed) continue;
    // What lies between two batches belongs to the lower one.
    if (batches.size() > before) batches.back().next = entry->base;
    batches.push_back({.where = partition.key(),
                       .base = entry->base,
                       .next = entry->next,
                       .records = entry->records->records(),
                       .append_time = now,
                       .max_timestamp = entry->records->max_timestamp(),
                       .encoded = entry->records->bytes()});
  }
  if (entry == first) return;
  const Offset next = std::prev(entry)->next;
  if (batches.size() > before) {
    batches.back().next = next;
  } else {
    batches.push_back({.where = partition.key(),
                       .base = first->base,
                       .next = next,
                       .records = 0,
                       .append_time = now,
                       .max_timestamp = kNoTimestamp,
                       .encoded = {}});
  }
}

}  // namespace

Frame make_transaction_frame(const std::vector<std::shared_ptr<JournalTransaction>>& chosen,
                             const Catalog& catalog, Timestamp now) {
  Frame frame;
  std::set<const LivePartition*> done;
  for (const std::shared_ptr<JournalTransaction>& transaction : chosen) {
    for (const JournalTransaction::Touched& touched : transaction->touched) {
      if (touched.topic->removed()) continue;
      const LivePartition* partition = touched.topic->partition(touched.partition);
      if (done.insert(partition).second) add_partition(*partition, now, frame.batches);
    }
    // Those of a parked one are committed already.
    if (transaction->state != State::kCommitting) continue;
    for (FrameOffset& offset : offsets_of(*transaction, catalog))
      frame.offsets.push_back(std::move(offset));
  }
  return frame;
}

std::vector<FrameOffset> offsets_of(const JournalTransaction& transaction, const Catalog& catalog) {
  std::vector<FrameOffset> offsets;
  for (const FrameOffset& offset : transaction.offsets) {
    if (catalog.find(offset.where.topic) != nullptr) offsets.push_back(offset);
  }
  return offsets;
}

}  // namespace millrace::log::journal
