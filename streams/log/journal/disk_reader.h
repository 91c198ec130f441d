// Reads for those who lag behind what is in memory: one thread for a journal, which reads ahead for each
// partition that is wanted, in turn, and wakes its reader. So no reader ever waits for a disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "log/journal/journal_state.h"

namespace millrace::log::journal {

// What one cursor wants. Guarded by the journal's mutex.
struct Prefetch {
  PartitionKey where;
  Offset next;   // to be read
  Offset until;  // not that far: what is there is in memory
  std::deque<RecordLoan> ready;
  std::size_t ready_bytes = 0;
  bool queued = false;           // or being read for
  Inbox* inbox = nullptr;        // nullptr: not wanted any more
  std::optional<Status> failed;  // kFatal: damaged, or not to be read

  bool done() const { return failed || next >= until; }
};

class DiskReader {
 public:
  // Lifetime: the state outlives it.
  explicit DiskReader(JournalState& state);
  ~DiskReader();
  DiskReader(const DiskReader&) = delete;
  DiskReader& operator=(const DiskReader&) = delete;

  // Effect: reads on, if there is room for more. REQUIRES: the journal's mutex is held.
  void want(const std::shared_ptr<Prefetch>& prefetch);

 private:
  void run();
  void read_one(const std::shared_ptr<Prefetch>& prefetch, std::unique_lock<std::mutex>& lock);

  JournalState& state_;
  std::condition_variable wanted_;
  std::deque<std::shared_ptr<Prefetch>> queue_;  // guarded by the journal's mutex
  bool stopping_ = false;                        // guarded by the journal's mutex
  std::thread thread_;
};

}  // namespace millrace::log::journal
