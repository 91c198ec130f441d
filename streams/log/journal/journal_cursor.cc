#include "log/journal/journal_cursor.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace millrace::log::journal {

// Keeps the bytes of records alive, and what of them was decoded.
class JournalCursor::Loan final : public RecordBatch::Owner {
 public:
  explicit Loan(std::shared_ptr<const Bytes> encoded) : encoded_(std::move(encoded)) {}

  // Lifetime: the loan's.
  const Headers* keep(const Headers& headers) {
    return headers.empty() ? &Headers::none() : &headers_.emplace_back(headers);
  }

 private:
  const std::shared_ptr<const Bytes> encoded_;
  std::deque<Headers> headers_;
};

JournalCursor::JournalCursor(JournalState& state, DiskReader& disk, Inbox& inbox, Epoch reader,
                             ReaderPartition index, Isolation isolation, TopicPartition where,
                             Offset from)
    : state_(state),
      disk_(disk),
      inbox_(inbox),
      reader_(reader),
      index_(index),
      watcher_{&inbox, isolation},
      where_(std::move(where)),
      position_(from) {
  const std::lock_guard lock(state_.mutex);
  attach();
  inbox_.wake();
}

JournalCursor::~JournalCursor() {
  const std::lock_guard lock(state_.mutex);
  detach();
}

bool JournalCursor::caught_up() const {
  return partition_ != nullptr && !loan_ && reported_ == position_ &&
         partition_->readable_end(watcher_.isolation) <= position_;
}

// Effect: finds the partition, whose offsets are to hold the position. Returns false where it stands
// still now.
bool JournalCursor::attach() {
  topic_ = state_.topics.find(where_.topic);
  partition_ = topic_ ? topic_->partition(where_.partition) : nullptr;
  if (partition_ == nullptr) {
    stand_still(ReadFailed{index_}, "there is no such topic or partition: " + to_string(where_));
    return false;
  }
  partition_->watch(watcher_);
  if (position_ > partition_->end()) {
    stand_still(OffsetOutOfRange{index_, position_},
                "the offset is not in the log: " + to_string(where_));
    return false;
  }
  return true;
}

void JournalCursor::detach() {
  if (prefetch_) prefetch_->inbox = nullptr;
  prefetch_.reset();
  if (partition_ != nullptr) partition_->unwatch(watcher_);
  partition_ = nullptr;
  loan_.reset();
  decoder_.reset();
}

void JournalCursor::stand_still(std::variant<OffsetOutOfRange, ReadFailed> why,
                                std::string message) {
  detach();
  reported_.reset();
  Event event{reader_, kNoOperation, Status::fatal(std::move(message)), Done{}};
  std::visit([&](auto& what) { event.what = what; }, why);
  inbox_.push(std::move(event));
}

void JournalCursor::drain(std::size_t max, RecordBatch& batch) {
  if (partition_ == nullptr) return;
  if (caught_up() && !topic_->removed()) return;
  while (batch.size() < max && partition_ != nullptr) {
    if (!loan_) {
      const std::lock_guard lock(state_.mutex);
      if (!load()) return;
    }
    take(max, batch);
  }
}

// Effect: moves records of the loan into the batch, until it is used up or the batch is full.
void JournalCursor::take(std::size_t max, RecordBatch& batch) {
  auto loan = std::make_unique<Loan>(loan_->encoded);
  RecordView record;
  bool more = true;
  while (batch.size() < max) {
    more = decoder_->next(record);
    if (!more) break;
    if (record.offset < position_) continue;
    record.headers = loan->keep(*record.headers);
    batch.add(record);
    position_ = record.offset + 1;
  }
  batch.keep(std::move(loan));
  if (more) return;
  if (decoder_->damaged()) {
    const std::lock_guard lock(state_.mutex);
    stand_still(ReadFailed{index_}, "records of " + to_string(where_) + " behind offset " +
                                        std::to_string(position_.value()) +
                                        " are damaged and cannot be decoded");
    return;
  }
  position_ = std::max(position_, loan_->next);
  loan_.reset();
  decoder_.reset();
}

// Effect: makes the next records ready, passing what is not to be shown. Returns false where there are
// none now: the end was reached and reported, the disk is awaited, or the reader stands still.
bool JournalCursor::load() {
  if (topic_->removed()) {
    detach();
    if (!attach()) return false;
  }
  if (position_ < partition_->start()) {
    stand_still(OffsetOutOfRange{index_, position_},
                "the offset is below the start of " + to_string(where_) + ", which is " +
                    std::to_string(partition_->start().value()));
    return false;
  }
  const Offset end = partition_->readable_end(watcher_.isolation);
  if (position_ < std::min(partition_->memory_from(), end)) return load_from_disk();
  if (prefetch_) {
    prefetch_->inbox = nullptr;
    prefetch_.reset();
  }
  return load_from_memory(end);
}

bool JournalCursor::load_from_memory(Offset end) {
  const bool committed_only = watcher_.isolation == Isolation::kReadCommitted;
  while (position_ < end) {
    const LivePartition::Entry* entry = partition_->find(position_);
    if (entry == nullptr) break;
    if (entry->records && !(committed_only && entry->aborted)) {
      loan_ = RecordLoan{{entry->records, &entry->records->bytes()}, entry->base, entry->next};
      decoder_.emplace(loan_->base, *loan_->encoded);
      return true;
    }
    position_ = entry->next;
  }
  report_end();
  return false;
}

bool JournalCursor::load_from_disk() {
  if (!prefetch_) {
    prefetch_ = std::make_shared<Prefetch>();
    prefetch_->where = partition_->key();
    prefetch_->next = position_;
    prefetch_->inbox = &inbox_;
  }
  prefetch_->until = partition_->memory_from();
  if (!prefetch_->ready.empty()) {
    loan_ = std::move(prefetch_->ready.front());
    prefetch_->ready.pop_front();
    prefetch_->ready_bytes -= loan_->encoded->size();
    decoder_.emplace(loan_->base, *loan_->encoded);
    disk_.want(prefetch_);
    return true;
  }
  if (prefetch_->failed) {
    stand_still(ReadFailed{index_}, prefetch_->failed->message());
    return false;
  }
  if (prefetch_->done()) {  // nothing of what was there is left
    position_ = std::max(position_, prefetch_->next);
    return load();
  }
  disk_.want(prefetch_);
  return false;
}

void JournalCursor::report_end() {
  if (reported_ == position_) return;
  reported_ = position_;
  inbox_.push({reader_, kNoOperation, Status::success(), EndReached{index_, position_}});
}

}  // namespace millrace::log::journal
