// The one thread that writes a journal: orders of admins, ended transactions, and what must be parked.
// Whatever it wrote is synced before anybody is told or shown.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "log/journal/journal_state.h"

namespace millrace::log::journal {

class JournalWriter {
 public:
  // Lifetime: the state outlives it.
  explicit JournalWriter(JournalState& state);
  // Effect: writes what has ended, as far as there is room, and ends the thread.
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

 private:
  using Lock =
      std::unique_lock<std::mutex>;  // of the state's mutex, held but while files are written

  void run();
  bool go_on(Lock& lock);
  void stop_by_exception(Lock& lock) noexcept;
  void give_catalog(Lock& lock);
  bool do_something(Lock& lock);
  void carry_out_order(Lock& lock);
  bool write_transactions(Lock& lock);
  bool park_one(Lock& lock);
  Coordinator::ParkingRoom parking_room() const;
  void say_parking_is_full(const JournalTransaction& waits);
  void wait_for_company(Lock& lock);
  void wait_for_work(Lock& lock);
  bool sync_what_waits(Duration since, Lock& lock);

  // Effect: the frame is durable (as far as the options want it) and in the catalog.
  // Errors: kAbort, it is too long; kFatal, see fail(); kRetry, the journal closes while the disk is
  // full.
  Status write(const Frame& frame, Lock& lock);
  Status append(const Frame& frame, Lock& lock);
  Status sync(Lock& lock);
  bool wait_for_room(const Status& why, Lock& lock);
  void keep_in_memory(std::vector<Coordinator::Kept> kept);
  void fail(const Status& why);

  JournalState& state_;
  bool stopping_ = false;      // guarded by the state's mutex
  bool full_ = false;          // and it was said
  bool parking_full_ = false;  // and it was said
  std::optional<Duration>
      unsynced_since_;  // with Sync::kOff: since when something waits for a sync
  std::thread thread_;
};

}  // namespace millrace::log::journal
