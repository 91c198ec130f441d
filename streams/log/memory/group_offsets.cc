#include "log/memory/group_offsets.h"

namespace millrace::log::memory {

void GroupOffsets::put(TransactionNumber transaction, const std::vector<OffsetToCommit>& offsets) {
  auto& pending = pending_[transaction];
  for (const OffsetToCommit& offset : offsets) {
    pending.insert_or_assign(offset.where, Put{offset.next, offset.metadata, ++order_});
  }
}

void GroupOffsets::end_transaction(TransactionNumber transaction, bool committed) {
  auto node = pending_.extract(transaction);
  if (node.empty() || !committed) return;
  for (auto& [where, put] : node.mapped()) {
    Put& now = committed_[where];
    if (now.order < put.order) now = std::move(put);
  }
}

CommittedOffset GroupOffsets::committed(const TopicPartition& where) const {
  CommittedOffset answer;
  answer.where = where;
  for (const auto& [transaction, offsets] : pending_) {
    if (offsets.contains(where)) {
      answer.stable = false;
      return answer;
    }
  }
  const auto found = committed_.find(where);
  if (found != committed_.end()) {
    answer.offset = found->second.next;
    answer.metadata = found->second.metadata;
  }
  return answer;
}

void GroupOffsets::forget_topic(std::string_view topic) {
  const auto is_of_topic = [&](const auto& item) { return item.first.topic == topic; };
  std::erase_if(committed_, is_of_topic);
  for (auto& [transaction, offsets] : pending_) std::erase_if(offsets, is_of_topic);
}

}  // namespace millrace::log::memory
