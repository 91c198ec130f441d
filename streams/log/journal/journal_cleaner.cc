#include "log/journal/journal_cleaner.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace millrace::log::journal {

namespace {

constexpr std::uint64_t kPiece = std::uint64_t{4} << 20;  // bytes to read before it looks up
constexpr int kLowestPriority = 19;

bool is_under_way(const JournalState& state) {
  for (const AdminOrder& order : state.orders) {
    if (std::holds_alternative<LetGo>(order.what)) return true;
  }
  return false;
}

}  // namespace

JournalCleaner::JournalCleaner(JournalState& state) : state_(state), thread_([this] { run(); }) {}

JournalCleaner::~JournalCleaner() {
  {
    const std::lock_guard lock(state_.mutex);
    stopping_ = true;
  }
  state_.store->stop_cleaning();
  state_.cleaner_wanted.notify_all();
  thread_.join();
}

void JournalCleaner::run() {
  // Of this thread alone, on Linux. Not granted: no harm.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kLowestPriority);
  Lock lock(state_.mutex);
  while (go_on(lock)) {
  }
}

// Returns whether there is to be another round.
bool JournalCleaner::go_on(Lock& lock) {
  try {
    state_.cleaner_wanted.wait_for(lock, state_.options.cleaner_interval,
                                   [this] { return stopping_; });
    if (!stopping_ && !state_.failure.ok()) return true;
    const std::shared_ptr<const Catalog> catalog = ask_for_catalog(lock);
    if (!catalog) return false;
    Status status = expire(*catalog, lock);
    if (status.ok()) status = clean(*catalog, lock);
    return tell(status);
  } catch (...) {
    // What it shares with others is as it was before, or as it should be.
    if (!lock.owns_lock()) lock.lock();
    return tell(stopped_by_exception("it cannot go on"));
  }
}

// nullptr: it is to stop.
std::shared_ptr<const Catalog> JournalCleaner::ask_for_catalog(Lock& lock) {
  if (stopping_) return nullptr;
  state_.catalog_copy.reset();
  state_.catalog_wanted = true;
  state_.writer_wanted.notify_one();
  state_.cleaner_wanted.wait(lock, [this] { return stopping_ || state_.catalog_copy; });
  return stopping_ ? nullptr : std::move(state_.catalog_copy);
}

// Effect: orders that what retention lets go is deleted.
Status JournalCleaner::expire(const Catalog& catalog, Lock& lock) {
  if (is_under_way(state_)) return Status::success();
  lock.unlock();
  Status failure;
  std::vector<RecordsDeleted> expired = state_.store->expired(catalog, state_.clock.now(), failure);
  lock.lock();
  if (failure.ok() && !expired.empty()) {
    state_.orders.push_back({{}, LetGo{std::move(expired)}});
    state_.writer_wanted.notify_one();
  }
  return failure;
}

Status JournalCleaner::clean(const Catalog& catalog, Lock& lock) {
  while (!stopping_) {
    lock.unlock();
    const Result<bool> more = state_.store->clean(catalog, state_.clock.now(), kPiece);
    lock.lock();
    if (!more.ok()) return more.status();
    if (!more.value()) break;
  }
  return Status::success();
}

// Effect: says once that something is wrong, and once that it is right again. Returns whether to go on.
bool JournalCleaner::tell(const Status& status) {
  const bool was_put_off = std::exchange(put_off_, !status.ok());
  const std::string journal = "the journal in " + state_.options.directory;
  if (status.consequence() == Consequence::kFatal) {
    state_.logger.error(journal + " is not cleaned any more, and grows: " + status.message());
    return false;
  }
  if (put_off_ && !was_put_off) {
    state_.logger.warning(journal + " is not cleaned for now, and goes on: " + status.message());
  } else if (was_put_off && !put_off_) {
    state_.logger.info(journal + " is cleaned again");
  }
  return true;
}

}  // namespace millrace::log::journal
