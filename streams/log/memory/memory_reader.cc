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
  cursor(partition);
  cursors_[static_cast<std::size_t>(partition.value())].reset();
}

void MemoryReader::drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) {
  batch.clear();
  cursor(partition).drain(max, batch);
}

Offset MemoryReader::position(ReaderPartition partition) const {
  return cursor(partition).position();
}

bool MemoryReader::caught_up(ReaderPartition partition) const {
  return cursor(partition).caught_up();
}

MemoryCursor& MemoryReader::cursor(ReaderPartition partition) const {
  const auto index = static_cast<std::size_t>(partition.value());
  MILLRACE_ASSERT(index < cursors_.size() && cursors_[index], "this partition is not being read");
  return *cursors_[index];
}

}  // namespace millrace::log::memory
