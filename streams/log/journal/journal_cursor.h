// One partition as one reader reads it: from memory where it keeps up, from disk where it lags.
#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "log/journal/disk_reader.h"
#include "log/journal/journal_state.h"

namespace millrace::log::journal {

// Not thread-safe: of one reader's thread.
class JournalCursor {
 public:
  JournalCursor(JournalState& state, DiskReader& disk, Inbox& inbox, Epoch reader,
                ReaderPartition index, Isolation isolation, TopicPartition where, Offset from);
  ~JournalCursor();
  JournalCursor(const JournalCursor&) = delete;
  JournalCursor& operator=(const JournalCursor&) = delete;

  void drain(std::size_t max, RecordBatch& batch);
  Offset position() const { return position_; }
  bool caught_up() const;
  const TopicPartition& where() const { return where_; }

 private:
  class Loan;

  // All but take(): with the journal's mutex held.
  bool attach();
  void detach();
  bool load();
  bool load_from_memory(Offset end);
  bool load_from_disk();
  void report_end();
  void stand_still(std::variant<OffsetOutOfRange, ReadFailed> why, std::string message);

  void take(std::size_t max, RecordBatch& batch);

  JournalState& state_;
  DiskReader& disk_;
  Inbox& inbox_;
  const Epoch reader_;
  const ReaderPartition index_;
  const LivePartition::Watcher watcher_;
  const TopicPartition where_;
  std::shared_ptr<LiveTopic> topic_;
  LivePartition* partition_ = nullptr;  // of topic_; nullptr: standing still
  Offset position_;
  std::optional<Offset> reported_;  // the end that was reported last
  std::shared_ptr<Prefetch> prefetch_;
  std::optional<RecordLoan> loan_;  // what is being drained
  std::optional<RecordDecoder> decoder_;
};

}  // namespace millrace::log::journal
