#include "log/journal/journal_reader.h"

#include <algorithm>
#include <utility>

#include "millrace/detail/assert.h"

namespace millrace::log::journal {

JournalReader::JournalReader(JournalState& state, DiskReader& disk, ReaderOptions options,
                             Inbox& inbox)
    : state_(state), disk_(disk), options_(options), inbox_(inbox), epoch_(state.next_epoch()) {}

ReaderPartition JournalReader::start(const TopicPartition& where, Offset from) {
  MILLRACE_ASSERT(
      std::ranges::none_of(cursors_, [&](const auto& c) { return c && c->where() == where; }),
      "a reader starts a partition that it reads already");
  const ReaderPartition index(static_cast<std::int32_t>(cursors_.size()));
  cursors_.push_back(std::make_unique<JournalCursor>(state_, disk_, inbox_, epoch_, index,
                                                     options_.isolation, where, from));
  return index;
}

void JournalReader::stop(ReaderPartition partition) {
  if (find(partition) != nullptr) cursors_[static_cast<std::size_t>(partition.value())].reset();
}

void JournalReader::drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) {
  batch.clear();
  if (JournalCursor* found = find(partition)) found->drain(max, batch);
}

Offset JournalReader::position(ReaderPartition partition) const {
  const JournalCursor* found = find(partition);
  return found != nullptr ? found->position() : kNoOffset;
}

bool JournalReader::caught_up(ReaderPartition partition) const {
  const JournalCursor* found = find(partition);
  return found != nullptr && found->caught_up();
}

JournalCursor* JournalReader::find(ReaderPartition partition) const {
  const auto index = static_cast<std::size_t>(partition.value());
  return index < cursors_.size() ? cursors_[index].get() : nullptr;
}

}  // namespace millrace::log::journal
