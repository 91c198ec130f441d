#include "log/journal/journal_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "log/journal/parking.h"
#include "log/journal/transaction_frame.h"
#include "millrace/detail/failpoint.h"
#include "millrace/detail/text.h"

namespace millrace::log::journal {

namespace {

using TransactionPointer = std::shared_ptr<JournalTransaction>;

// What a frame of several transactions should not exceed, where they may be as long.
constexpr std::size_t kMostFrameBytes = std::size_t{64} << 20;
// A commit whose producer has seen its flush follows within microseconds: worth more than writing the
// later ones twice.
constexpr Duration kParkAfter{20};
constexpr Duration kFullRetry{200};
// With Sync::kOff all is synced this often nevertheless; the store syncs by itself where it is much.
constexpr Duration kLongestUnsynced{1000};

}  // namespace

JournalWriter::JournalWriter(JournalState& state) : state_(state), thread_([this] { run(); }) {}

JournalWriter::~JournalWriter() {
  {
    const std::lock_guard lock(state_.mutex);
    stopping_ = true;
  }
  state_.writer_wanted.notify_all();
  thread_.join();
}

void JournalWriter::run() {
  Lock lock(state_.mutex);
  while (go_on(lock)) {
  }
}

// Returns whether there is to be another round.
bool JournalWriter::go_on(Lock& lock) {
  try {
    state_.transactions.expire();
    if (!state_.failure.ok()) {
      fail(state_.failure);  // whoever came since
    } else if (do_something(lock)) {
      return true;
    }
    if (!stopping_) {
      wait_for_work(lock);
      return true;
    }
    if (state_.failure.ok()) sync_what_waits(Duration(0), lock);
  } catch (...) {
    stop_by_exception(lock);
    return !stopping_;
  }
  return false;
}

// In what is in memory and in the files is no trust any more: nothing more is written.
void JournalWriter::stop_by_exception(Lock& lock) noexcept {
  if (!lock.owns_lock()) lock.lock();
  const Status why =
      stopped_by_exception("the journal cannot go on, what was not answered may be lost");
  try {
    fail(why);
  } catch (...) {  // who was not told is told in the next round
    state_.writer_wanted.wait_for(lock, kFullRetry);
  }
}

// Effect: the cleaner has the catalog that it wants. With Sync::kOff what it knows may be lost, and files
// go only for what lasts.
void JournalWriter::give_catalog(Lock& lock) {
  if (!state_.catalog_wanted) return;
  lock.unlock();
  std::shared_ptr<const Catalog> copy;
  if (state_.options.sync != Sync::kOff || state_.store->all_synced() || state_.store->sync().ok())
    copy = std::make_shared<const Catalog>(state_.catalog);
  lock.lock();
  if (!copy) return;
  state_.catalog_wanted = false;
  state_.catalog_copy = std::move(copy);
  state_.cleaner_wanted.notify_all();
}

// Returns whether there was anything to do that could be done.
bool JournalWriter::do_something(Lock& lock) {
  if (stopping_ && full_) return false;
  give_catalog(lock);
  if (!state_.orders.empty()) {
    carry_out_order(lock);
    return true;
  }
  if (sync_what_waits(kLongestUnsynced, lock)) return true;
  const bool wrote = write_transactions(lock);
  // Also where there is always something to write: whoever waits behind an open transaction does not wait
  // for the others to pause.
  const bool parked = state_.failure.ok() && park_one(lock);
  return wrote || parked;
}

// Effect: syncs what was written so long ago. Returns whether there was any.
bool JournalWriter::sync_what_waits(Duration since, Lock& lock) {
  if (!unsynced_since_ || state_.clock.monotonic() < *unsynced_since_ + since) return false;
  unsynced_since_.reset();
  lock.unlock();
  const Status synced = sync(lock);
  lock.lock();
  if (synced.consequence() == Consequence::kFatal) fail(synced);
  return true;
}

void JournalWriter::wait_for_work(Lock& lock) {
  if (!state_.failure.ok()) {
    state_.writer_wanted.wait(lock);
    return;
  }
  std::optional<Duration> at = state_.transactions.next_deadline();
  if (const auto since = state_.transactions.blocked_since(parking_room()))
    at = std::min(at.value_or(Duration::max()), *since + kParkAfter);
  if (unsynced_since_)
    at = std::min(at.value_or(Duration::max()), *unsynced_since_ + kLongestUnsynced);
  if (at) {
    // A millisecond more: clocks of milliseconds.
    state_.writer_wanted.wait_for(
        lock, std::max(*at - state_.clock.monotonic(), Duration(0)) + Duration(1));
  } else {
    state_.writer_wanted.wait(lock);
  }
}

void JournalWriter::wait_for_company(Lock& lock) {
  const auto until = std::chrono::steady_clock::now() + state_.options.sync_window;
  state_.writer_wanted.wait_until(lock, until,
                                  [this] { return stopping_ || !state_.orders.empty(); });
}

void JournalWriter::carry_out_order(Lock& lock) {
  PreparedOrder prepared = prepare(state_.orders.front(), state_.catalog, state_.topics);
  if (!prepared.is_empty()) {
    const Status written = write(prepared.frame, lock);
    if (written.consequence() == Consequence::kFatal) return;  // everybody was told
    if (written.ok()) {
      take_effect(prepared.frame, state_.catalog, state_.topics);
    } else {
      prepared.status = written;
    }
  }
  const JournalTransaction::Waiting waiting = state_.orders.front().waiting;
  state_.orders.pop_front();
  if (waiting.inbox != nullptr)
    waiting.inbox->push({waiting.epoch, waiting.operation, std::move(prepared.status), Done{}});
}

bool JournalWriter::write_transactions(Lock& lock) {
  const std::size_t most =
      std::min<std::uint64_t>(kMostFrameBytes, state_.options.max_transaction_bytes);
  std::vector<TransactionPointer> chosen = state_.transactions.choose(most);
  if (chosen.empty()) return false;
  if (state_.options.sync == Sync::kWindow && !stopping_) {
    wait_for_company(lock);
    chosen = state_.transactions.choose(most);
  }
  const auto is_parked = [](const TransactionPointer& t) {
    return t->state == JournalTransaction::State::kParked;
  };
  Frame frame = make_transaction_frame(chosen, state_.catalog, state_.clock.now());
  if (std::ranges::any_of(chosen, is_parked))
    frame.deletions.push_back(unpark(state_.catalog, state_.transactions.first_parked()));
  const bool is_empty = frame.batches.empty() && frame.offsets.empty() && frame.deletions.empty();
  const Status written = is_empty ? Status::success() : write(frame, lock);
  MR_FAILPOINT("log.settle.before");
  if (written.ok()) {
    keep_in_memory(state_.transactions.settle(chosen));
  } else if (written.consequence() == Consequence::kAbort) {
    if (!state_.transactions.refuse(chosen, written)) {
      fail(Status::fatal(
          "what is parked in the journal in " + state_.options.directory +
          " does not fit into one frame: " + written.message() +
          ". Nothing was lost; open it again, which brings it to its place in several"));
    }
  }
  return true;
}

bool JournalWriter::park_one(Lock& lock) {
  const auto [blocked, is_full] =
      state_.transactions.find_blocked(state_.clock.monotonic() - kParkAfter, parking_room());
  if (!blocked) {
    parking_full_ = parking_full_ && state_.transactions.parked_bytes() > 0;
    return false;
  }
  if (is_full) {
    if (!std::exchange(parking_full_, true)) say_parking_is_full(*blocked);
    return false;
  }
  if (const auto topic = make_parking_topic(state_.catalog)) {
    if (!write(*topic, lock).ok()) return true;
  }
  MR_FAILPOINT("log.park.before");
  const OwnedFrame parked = park(*blocked, state_.catalog, state_.clock.now());
  const Offset at = parked.frame.batches[0].base;
  const Status written = write(parked.frame, lock);
  MR_FAILPOINT("log.park.after");
  if (written.ok()) {
    state_.transactions.settle_parked(blocked, at);
  } else if (written.consequence() == Consequence::kAbort) {
    state_.transactions.refuse({blocked}, written);
  }
  return true;
}

Coordinator::ParkingRoom JournalWriter::parking_room() const {
  return {static_cast<std::size_t>(state_.options.max_parked_bytes)};
}

void JournalWriter::say_parking_is_full(const JournalTransaction& waits) {
  const auto blocker = state_.transactions.blocker_of(waits);
  state_.logger.warning("the journal in " + state_.options.directory + " holds " +
                        std::to_string(state_.transactions.parked_bytes()) +
                        " bytes of commits that wait for an open transaction" +
                        (blocker ? " of transactional id " + *blocker : "") +
                        " (embedded.max.parked.bytes is " +
                        std::to_string(state_.options.max_parked_bytes) +
                        "). More commits behind it wait, nothing is lost; all go on when it ends, "
                        "at the latest after "
                        "its time-out");
}

void JournalWriter::keep_in_memory(std::vector<Coordinator::Kept> kept) {
  for (Coordinator::Kept& one : kept) {
    state_.in_memory_bytes += one.bytes;
    state_.in_memory.push_back(std::move(one));
  }
  while (state_.in_memory_bytes > state_.options.tail_bytes) {
    const Coordinator::Kept& oldest = state_.in_memory.front();
    oldest.topic->partition(oldest.partition)->evict_front();
    state_.in_memory_bytes -= oldest.bytes;
    state_.in_memory.pop_front();
  }
}

// --- files -----------------------------------------------------------------------------------------

Status JournalWriter::write(const Frame& frame, Lock& lock) {
  lock.unlock();
  Status written = append(frame, lock);
  if (written.ok() && state_.options.sync != Sync::kOff) written = sync(lock);
  lock.lock();
  if (written.ok() && state_.options.sync == Sync::kOff && !unsynced_since_)
    unsynced_since_ = state_.clock.monotonic();
  if (written.ok()) {
    if (const auto wrong = state_.catalog.apply(frame)) {
      written = Status::fatal("the journal in " + state_.options.directory +
                              " does not follow its own rules: " + *wrong);
    }
  }
  if (written.consequence() == Consequence::kFatal) fail(written);
  if (written.ok() && std::exchange(full_, false))
    state_.logger.info("the journal in " + state_.options.directory + " goes on: there is room");
  return written;
}

// Both: without the mutex, which they take while they wait for room.

Status JournalWriter::append(const Frame& frame, Lock& lock) {
  for (;;) {
    const Status status = state_.store->append(frame, state_.catalog).status();
    if (status.consequence() != Consequence::kRetry || !wait_for_room(status, lock)) return status;
  }
}

Status JournalWriter::sync(Lock& lock) {
  for (;;) {
    const Status status = state_.store->sync();
    if (status.consequence() != Consequence::kRetry || !wait_for_room(status, lock)) return status;
  }
}

// Returns whether to try again: not where the journal closes.
bool JournalWriter::wait_for_room(const Status& why, Lock& lock) {
  if (!std::exchange(full_, true)) {
    state_.logger.warning("the journal in " + state_.options.directory +
                          " waits for room: " + why.message() +
                          ". Commits wait, nothing is lost; free space on that disk and it goes on "
                          "by itself");
  }
  lock.lock();
  state_.writer_wanted.wait_for(lock, kFullRetry,
                                [this] { return stopping_ || state_.catalog_wanted; });
  give_catalog(lock);  // the cleaner may make room
  const bool again = !stopping_;
  lock.unlock();
  return again;
}

void JournalWriter::fail(const Status& why) {
  if (state_.failure.ok()) {
    state_.failure = why;
    state_.logger.error("the journal in " + state_.options.directory +
                        " has stopped: " + why.message());
  }
  state_.transactions.fail(state_.failure);
  for (AdminOrder& order : state_.orders) {
    JournalTransaction::Waiting& waiting = order.waiting;
    if (waiting.inbox != nullptr)
      waiting.inbox->push({waiting.epoch, waiting.operation, state_.failure, Done{}});
  }
  state_.orders.clear();
}

}  // namespace millrace::log::journal
