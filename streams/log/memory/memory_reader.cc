#include "log/memory/memory_reader.h"

#include <algorithm>
#include <utility>

#include "log/memory/memory_cursor.h"
#include "millrace/detail/assert.h"

namespace millrace::log::memory {

MemoryReader::MemoryReader(ReaderOptions options, Broker& broker, Inbox& inbox)
    : options_(options), broker_(broker), inbox_(inbox), epoch_(broker.next_epoch()) {}
MemoryReader::~MemoryReader() = default;

ReaderPartition MemoryReader::start(const TopicPartition& where, Offset from) {
  MILLRACE_ASSERT(
      std::ranges::none_of(cursors_, [&](const auto& c) { return c && c->where() == where; }),
      "a reader starts a partition that it reads already");
  const ReaderPartition index(static_cast<std::int32_t>(cursors_.size()));
  cursors_.push_back(std::make_unique<MemoryCursor>(broker_, inbox_, epoch_, index,
                                                    options_.isolation, where, from));
  return index;
}

void MemoryReader::stop(ReaderPartition partition) {
  if (find(partition) != nullptr) cursors_[static_cast<std::size_t>(partition.value())].reset();
}

void MemoryReader::drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) {
  batch.clear();
  if (MemoryCursor* found = find(partition)) found->drain(max, batch);
}

Offset MemoryReader::position(ReaderPartition partition) const {
  const MemoryCursor* found = find(partition);
  return found != nullptr ? found->position() : kNoOffset;
}

bool MemoryReader::caught_up(ReaderPartition partition) const {
  const MemoryCursor* found = find(partition);
  return found != nullptr && found->caught_up();
}

MemoryCursor* MemoryReader::find(ReaderPartition partition) const {
  const auto index = static_cast<std::size_t>(partition.value());
  return index < cursors_.size() ? cursors_[index].get() : nullptr;
}

}  // namespace millrace::log::memory
