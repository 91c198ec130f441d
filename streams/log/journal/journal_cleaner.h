// The thread that lets records go: what their topics' retention says, and what compaction leaves behind.
// It works in small pieces, at the lowest priority, and never holds up anybody else.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "log/journal/journal_state.h"

namespace millrace::log::journal {

class JournalCleaner {
 public:
  // Lifetime: the state outlives it.
  explicit JournalCleaner(JournalState& state);
  // Effect: gives up the pass that is under way, soon: behind one batch, or one sync.
  ~JournalCleaner();
  JournalCleaner(const JournalCleaner&) = delete;
  JournalCleaner& operator=(const JournalCleaner&) = delete;

 private:
  using Lock = std::unique_lock<std::mutex>;  // of the state's mutex

  void run();
  bool go_on(Lock& lock);
  std::shared_ptr<const Catalog> ask_for_catalog(Lock& lock);
  Status expire(const Catalog& catalog, Lock& lock);
  Status clean(const Catalog& catalog, Lock& lock);
  bool tell(const Status& status);

  JournalState& state_;
  bool stopping_ = false;  // guarded by the state's mutex
  bool put_off_ = false;   // and it was said
  std::thread thread_;
};

}  // namespace millrace::log::journal
