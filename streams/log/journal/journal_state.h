// What the parts of one open journal share: who holds the mutex sees everything as of one moment.
//
//   writer (one thread)      takes what has ended, writes and syncs without the mutex, then settles
//   disk reader (one thread) fetches what is in memory no more, for readers that lag
//   cleaner (one thread)     lets go what retention and compaction do not keep
//   logger (one thread)      takes messages to the program's logger
//   producers, readers, admins: on their workers' threads, holding the mutex for a moment
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>

#include "log/group/local_group.h"
#include "log/journal/admin_orders.h"
#include "log/journal/catalog.h"
#include "log/journal/coordinator.h"
#include "log/journal/frame_store.h"
#include "log/journal/journal_options.h"
#include "log/journal/live_topics.h"
#include "millrace/clock.h"
#include "millrace/logging.h"

namespace millrace::log::journal {

// What an exception makes of a thread of the journal: kFatal, `what` and its words. REQUIRES: it is being
// handled.
Status stopped_by_exception(std::string_view what) noexcept;

struct JournalState {
  JournalState(JournalOptions options_, const Clock& clock_, Logger& logger_)
      : options(std::move(options_)), clock(clock_), logger(logger_) {}

  Epoch next_epoch() { return Epoch(++last_epoch); }

  const JournalOptions options;
  const Clock& clock;
  Logger& logger;
  std::unique_ptr<FrameStore> store;  // written to by the writer alone
  LocalGroups groups;
  std::atomic<std::int64_t> last_epoch{0};

  std::mutex mutex;
  std::condition_variable writer_wanted;
  std::condition_variable cleaner_wanted;

  // --- guarded by the mutex ----------------------------------------------------------------------

  // Of what is durable. Changed by the writer alone, which may therefore read it without the mutex.
  Catalog catalog;
  LiveTopics topics;
  Coordinator transactions{clock, topics, groups, options.transactional_id_expiration};
  std::deque<AdminOrder> orders;            // the front one may be under way
  std::deque<Coordinator::Kept> in_memory;  // settled records that readers share, oldest first
  std::uint64_t in_memory_bytes = 0;
  // For the cleaner, whose thread has the lowest priority: the writer makes the copy, without the mutex,
  // so that nobody waits for it. Of what is durable.
  bool catalog_wanted = false;
  std::shared_ptr<const Catalog> catalog_copy;
  Status failure;  // kFatal: nothing is written any more
};

}  // namespace millrace::log::journal
