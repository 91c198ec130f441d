#include "log/memory/memory_cursor.h"

#include <algorithm>
#include <utility>

namespace millrace::log::memory {

MemoryCursor::MemoryCursor(Broker& broker, Inbox& inbox, Epoch reader, ReaderPartition index,
                           Isolation isolation, TopicPartition where, Offset from)
    : Actor(broker.schedule),
      broker_(broker),
      inbox_(inbox),
      reader_(reader),
      index_(index),
      isolation_(isolation),
      where_(std::move(where)),
      position_(from),
      arrived_(from) {
  wake();
}

MemoryCursor::~MemoryCursor() {
  if (partition_ != nullptr) partition_->unwatch(*this);
}

void MemoryCursor::drain(std::size_t max, RecordBatch& batch) {
  if (partition_ == nullptr || position_ >= arrived_) return;
  if (position_ < partition_->start()) {
    arrived_ = position_;
    wake();
    return;
  }
  const Segment* lent = nullptr;
  partition_->visit(position_, arrived_, isolation_,
                    [&](const Segment::Entry& entry, const std::shared_ptr<Segment>& segment) {
                      if (batch.size() == max) return false;
                      if (segment.get() != lent) {
                        lent = segment.get();
                        batch.keep(std::make_unique<SegmentLoan>(segment));
                      }
                      batch.add(Segment::view(entry));
                      position_ = Offset(entry.offset) + 1;
                      return true;
                    });
  pass_unseen();
  if (position_ == arrived_) wake();
}

void MemoryCursor::partition_changed() {
  if (topic_->removed() || partition_->readable_end(isolation_) != arrived_ ||
      position_ < partition_->start()) {
    wake();
  }
}

void MemoryCursor::act() {
  if (!stands_still_) fetch();
}

// Effect: the partition, found anew where its topic was deleted since; nullptr: there is none.
MemoryPartition* MemoryCursor::find() {
  if (topic_ && !topic_->removed()) return partition_;
  if (partition_ != nullptr) partition_->unwatch(*this);
  topic_ = broker_.topics.find(where_.topic);
  partition_ = topic_ ? topic_->partition(where_.partition) : nullptr;
  if (partition_ != nullptr) partition_->watch(*this);
  return partition_;
}

void MemoryCursor::fetch() {
  if (find() == nullptr) {
    stand_still(ReadFailed{index_}, "there is no such topic or partition: ");
    return;
  }
  if (position_ < arrived_ && arrived_ < partition_->start()) return;  // drain() will see
  if (arrived_ < partition_->start() || arrived_ > partition_->end()) {
    stand_still(OffsetOutOfRange{index_, arrived_}, "the offset is not in the log: ");
    return;
  }
  const Offset end = partition_->readable_end(isolation_);
  if (arrived_ < end) {
    Offset bound = end;
    if (broker_.hostility.shuffles()) {
      const auto more = static_cast<std::uint64_t>(end - arrived_);
      bound = arrived_ + static_cast<std::int64_t>(1 + broker_.hostility.random().below(more));
    }
    arrived_ = bound;
    if (arrived_ < end) wake();
    pass_unseen();
    if (position_ < arrived_) inbox_.wake();
  }
  // Above the last stable offset too: there is nothing that may be shown.
  if (position_ >= end && reported_ != position_) {
    reported_ = position_;
    inbox_.push({reader_, kNoOperation, Status::success(), EndReached{index_, position_}});
  }
}

// Effect: the position passes markers and aborted records that nothing to be shown follows.
void MemoryCursor::pass_unseen() {
  bool seen = false;
  partition_->visit(position_, arrived_, isolation_, [&](const Segment::Entry&, const auto&) {
    seen = true;
    return false;
  });
  if (!seen) position_ = std::max(position_, arrived_);
}

void MemoryCursor::stand_still(std::variant<OffsetOutOfRange, ReadFailed> why,
                               const char* message) {
  stands_still_ = true;
  reported_.reset();
  if (partition_ != nullptr) partition_->unwatch(*this);
  partition_ = nullptr;
  Event event{reader_, kNoOperation, Status::fatal(message + to_string(where_)), Done{}};
  std::visit([&](auto& what) { event.what = what; }, why);
  inbox_.push(std::move(event));
}

}  // namespace millrace::log::memory
