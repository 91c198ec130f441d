// A reader: one cursor per partition. A fetch moves the bound of what has arrived; the records stay
// in the log's segments and are lent from there.
#pragma once

#include <memory>
#include <vector>

#include "log/inbox.h"
#include "log/memory/broker.h"

namespace millrace::log::memory {

class MemoryCursor;

class MemoryReader final : public LogReader {
 public:
  MemoryReader(ReaderOptions options, Broker& broker, Inbox& inbox);
  ~MemoryReader() override;

  Epoch epoch() const override { return epoch_; }
  ReaderPartition start(const TopicPartition& where, Offset from) override;
  void stop(ReaderPartition partition) override;
  // A record that was fetched and then deleted before it was drained is not shown:
  // OffsetOutOfRange.
  // A stopped partition has nothing to drain and no position.
  void drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) override;
  Offset position(ReaderPartition partition) const override;
  bool caught_up(ReaderPartition partition) const override;

 private:
  MemoryCursor* find(ReaderPartition partition) const;  // nullptr: stopped

  const ReaderOptions options_;
  Broker& broker_;
  Inbox& inbox_;
  const Epoch epoch_;
  std::vector<std::unique_ptr<MemoryCursor>> cursors_;  // by ReaderPartition; nullptr: stopped
};

}  // namespace millrace::log::memory
