#pragma once

#include <memory>
#include <vector>

#include "log/journal/journal_cursor.h"
#include "log/log.h"

namespace millrace::log::journal {

class JournalReader final : public LogReader {
 public:
  JournalReader(JournalState& state, DiskReader& disk, ReaderOptions options, Inbox& inbox);

  Epoch epoch() const override { return epoch_; }
  ReaderPartition start(const TopicPartition& where, Offset from) override;
  void stop(ReaderPartition partition) override;
  void drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) override;
  Offset position(ReaderPartition partition) const override;
  bool caught_up(ReaderPartition partition) const override;

 private:
  JournalCursor* find(ReaderPartition partition) const;

  JournalState& state_;
  DiskReader& disk_;
  const ReaderOptions options_;
  Inbox& inbox_;
  const Epoch epoch_;
  std::vector<std::unique_ptr<JournalCursor>> cursors_;  // by ReaderPartition; nullptr: stopped
};

}  // namespace millrace::log::journal
