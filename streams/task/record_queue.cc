#include "task/record_queue.h"

#include <algorithm>
#include <utility>

namespace millrace::task {

RecordQueue::RecordQueue(TopicPartition where, Offset next, state::TaskMemory& memory,
                         PassedBy* passed_by)
    : where_(std::move(where)),
      memory_(memory),
      passed_by_(passed_by),
      // Partition times have a place of their own in the commit metadata (SEMANTICS §3.8), so the
      // slot is not one of the persisted ones.
      time_slot_(memory.add("partition-time/" + where_.topic, state::Persisted::kNo)),
      next_(next),
      committed_next_(next) {}

void RecordQueue::attach(std::unique_ptr<graph::SourceSlot> slot, graph::DropCounter null_keys,
                         graph::DropCounter null_values, graph::DropCounter negative_timestamps) {
  slot_ = std::move(slot);
  by_wall_clock_ = slot_->by_wall_clock();
  null_keys_ = null_keys;
  null_values_ = null_values;
  negative_timestamps_ = negative_timestamps;
  head_ready_ = false;
}

void RecordQueue::detach() {
  slot_.reset();
  head_ready_ = false;
}

void RecordQueue::add(const RecordView& record) {
  records_.push_back(arena_.copy(record));
  next_ = record.offset + 1;
}

std::optional<Timestamp> RecordQueue::head() {
  while (!head_ready_) {
    if (waiting() == 0) return std::nullopt;
    const RecordView& record = records_[cursor_];
    if (!left_out_.empty() && is_left_out(record.offset)) {
      passed_by_->left_out(record);
      ++cursor_;
      continue;
    }
    context_ = {where_.topic,     where_.partition, record.offset,
                record.timestamp, record.headers,   {}};
    const auto decoded = slot_->decode(record, context_, from_ms(memory_[time_slot_]));
    if (decoded == graph::SourceSlot::Decoded::kNullKeySetAside) {
      passed_by_->null_set_aside(record, "key");
    } else if (decoded == graph::SourceSlot::Decoded::kNullValueSetAside) {
      passed_by_->null_set_aside(record, "value");
    } else if (decoded == graph::SourceSlot::Decoded::kNullKey) {
      null_keys_.count();
    } else if (decoded == graph::SourceSlot::Decoded::kNullValue) {
      null_values_.count();
    } else if (context_.timestamp < Timestamp{}) {
      negative_timestamps_.count();
      if (passed_by_) passed_by_->time_dropped(record);
    } else {
      head_ready_ = true;
      break;
    }
    ++cursor_;
  }
  return context_.timestamp;
}

void RecordQueue::process() {
  memory_.raise(time_slot_, to_ms(context_.timestamp));
  ++cursor_;
  head_ready_ = false;
  slot_->process(context_);
}

void RecordQueue::leave_out(Offset offset) {
  const auto at = std::lower_bound(left_out_.begin(), left_out_.end(), offset);
  if (at == left_out_.end() || *at != offset) left_out_.insert(at, offset);
  if (head_ready_ && records_[cursor_].offset == offset) head_ready_ = false;
}

bool RecordQueue::is_left_out(Offset offset) const {
  return offset <= left_out_.back() &&
         std::binary_search(left_out_.begin(), left_out_.end(), offset);
}

Offset RecordQueue::next_offset() const {
  if (cursor_ < records_.size())
    return cursor_ == 0 ? committed_next_ : records_[cursor_ - 1].offset + 1;
  return next_;
}

void RecordQueue::load_partition_time(std::int64_t time) { memory_.raise(time_slot_, time); }

void RecordQueue::commit() {
  committed_next_ = next_offset();
  records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(cursor_));
  arena_.release_front(cursor_);
  cursor_ = 0;
  std::erase_if(left_out_, [&](Offset offset) { return offset < committed_next_; });
}

void RecordQueue::abort() {
  cursor_ = 0;
  head_ready_ = false;
}

}  // namespace millrace::task
