#include "client.h"

#include <algorithm>

#include "millrace/detail/text.h"
#include "millrace/error.h"

namespace millrace {

namespace {

// A user's listener may throw; nothing that it does changes the restore.
class GuardedRestoreListener final : public RestoreListener {
 public:
  GuardedRestoreListener(RestoreListener& guarded, Logger& logger)
      : guarded_(guarded), logger_(logger) {}

  void on_start(const Restore& restore) override {
    guard([&] { guarded_.on_start(restore); });
  }
  void on_batch(const Restore& restore, std::int64_t records) override {
    guard([&] { guarded_.on_batch(restore, records); });
  }
  void on_end(const Restore& restore) override {
    guard([&] { guarded_.on_end(restore); });
  }
  void on_suspended(const Restore& restore) override {
    guard([&] { guarded_.on_suspended(restore); });
  }

 private:
  template <class F>
  void guard(const F& f) {
    try {
      f();
    } catch (...) {
      logger_.error("a restore listener threw: " + what_was_thrown());
    }
  }

  RestoreListener& guarded_;
  Logger& logger_;
};

}  // namespace

Client::Client(ClientOptions options, Parts parts) : options_(std::move(options)), parts_(parts) {}

Client::~Client() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (auto& [number, seat] : seats_) seat.thread->give_up();
  }
  // Nobody adds or removes any more; the threads go on looking at the seats until they end.
  for (auto& [number, seat] : seats_) seat.thread->join();
}

void Client::require_not_started(const char* what) const {
  if (state_ != State::kCreated) throw StoppedError(what);
}

void Client::on_state_change(Streams::StateListener listener) {
  const std::lock_guard lock(mutex_);
  require_not_started("a listener is set before Streams is started");
  state_listener_ = std::move(listener);
}

void Client::on_restore(RestoreListener& listener) {
  const std::lock_guard lock(mutex_);
  require_not_started("a listener is set before Streams is started");
  restore_listener_ = std::make_unique<GuardedRestoreListener>(listener, parts_.logger);
}

void Client::start() {
  Lock lock(mutex_);
  require_not_started("Streams can be started once");
  for (int i = 0; i < options_.threads; ++i) start_thread();
  update(lock);
}

std::string Client::start_thread() {
  int number = 1;
  while (seats_.contains(number)) ++number;
  worker::WorkerOptions options = options_.worker;
  options.transactional_id = options.application_id + "-" + std::to_string(number);
  options.workers_at_start = options_.threads;
  options.on_restore = restore_listener_.get();
  Seat seat;
  seat.thread = std::make_unique<StreamThread>(
      std::move(options),
      StreamThread::Parts{parts_.graph, parts_.log, parts_.clock, parts_.logger, *this});
  StreamThread& thread = *seats_.emplace(number, std::move(seat)).first->second.thread;
  thread.set_paused(paused_);
  try {
    thread.start();
  } catch (...) {
    seats_.erase(number);
    throw;
  }
  return thread.name();
}

std::vector<Client::Seat> Client::take_ended() {
  std::vector<Seat> ended;
  for (auto it = seats_.begin(); it != seats_.end();) {
    if (!it->second.ended) {
      ++it;
      continue;
    }
    add(ended_progress_, it->second.thread->report().progress);
    ended.push_back(std::move(it->second));
    it = seats_.erase(it);
  }
  return ended;
}

std::optional<std::string> Client::add_thread() {
  std::vector<Seat> ended;  // joined outside of the lock
  Lock lock(mutex_);
  if (!is_running_or_rebalancing(state_)) return std::nullopt;
  // Who tells the listener may be a thread that has ended, and cannot be waited for from there.
  if (teller_ == std::thread::id()) ended = take_ended();
  std::string name = start_thread();
  update(lock);
  lock.unlock();
  return name;
}

std::optional<std::string> Client::remove_thread() {
  const std::lock_guard lock(mutex_);
  if (!is_running_or_rebalancing(state_) || !has_run_) return std::nullopt;
  Seat* last = nullptr;
  int staying = 0;
  for (auto& [number, seat] : seats_) {
    if (seat.leaving || seat.ended) continue;
    last = &seat;
    ++staying;
  }
  if (staying < 2) return std::nullopt;
  last->leaving = true;
  last->thread->close();
  return last->thread->name();
}

bool Client::close(Duration timeout) {
  Lock lock(mutex_);
  closing_ = true;
  for (auto& [number, seat] : seats_) seat.thread->close();
  update(lock);
  if (is_current_thread_ours()) timeout = Duration{0};
  // A listener that closes is told of the end after it has returned.
  return changed_.wait_for(lock, timeout, [this] {
    return over() && (teller_ == std::thread::id() || teller_ == std::this_thread::get_id());
  });
}

bool Client::is_current_thread_ours() const {
  return std::ranges::any_of(seats_,
                             [](const auto& seat) { return seat.second.thread->is_current(); });
}

bool Client::on_own_thread() const {
  const std::lock_guard lock(mutex_);
  return is_current_thread_ours();
}

void Client::set_paused(bool paused) {
  const std::lock_guard lock(mutex_);
  paused_ = paused;
  for (auto& [number, seat] : seats_) seat.thread->set_paused(paused);
}

bool Client::paused() const {
  const std::lock_guard lock(mutex_);
  return paused_;
}

void Client::settled(StreamThread& thread, bool settled) {
  Lock lock(mutex_);
  for (auto& [number, seat] : seats_) {
    if (seat.thread.get() == &thread) seat.settled = settled;
  }
  update(lock);
}

AfterFailure Client::failed(StreamThread& thread, const std::string& why,
                            std::optional<UncaughtAction> said) {
  const bool stop = said != UncaughtAction::kReplaceThread;
  Lock lock(mutex_);
  if (!stop && !closing_ && failure_.empty()) return AfterFailure::kReplace;
  if (failure_.empty()) failure_ = why;
  parts_.logger.error("thread " + thread.name() + " ends, and the application with it");
  for (auto& [number, seat] : seats_) seat.thread->close();
  update(lock);
  return AfterFailure::kStop;
}

void Client::ended(StreamThread& thread) {
  Lock lock(mutex_);
  for (auto& [number, seat] : seats_) {
    if (seat.thread.get() == &thread) seat.ended = true;
  }
  update(lock);
}

Client::State Client::next_state() const {
  const bool all_ended =
      std::ranges::all_of(seats_, [](const auto& seat) { return seat.second.ended; });
  if (!failure_.empty()) return all_ended ? State::kFailed : State::kFailing;
  if (closing_) return all_ended ? State::kClosed : State::kClosing;
  if (seats_.empty()) return State::kCreated;
  const bool all_settled = std::ranges::all_of(
      seats_, [](const auto& seat) { return seat.second.settled || seat.second.ended; });
  return all_settled ? State::kRunning : State::kRebalancing;
}

// Effect: the state that follows from the threads; the listener hears of each change, one after the
// other, from whichever thread is at it. The lock is not held while it does.
void Client::update(Lock& lock) {
  const State next = next_state();
  if (next != state_ && !over()) {
    untold_.emplace_back(next, state_);
    state_ = next;
    has_run_ = has_run_ || next == State::kRunning;
  }
  changed_.notify_all();
  if (teller_ != std::thread::id()) return;
  while (!untold_.empty()) {
    const auto [now, before] = untold_.front();
    untold_.pop_front();
    if (!state_listener_) continue;
    teller_ = std::this_thread::get_id();
    lock.unlock();
    try {
      state_listener_(now, before);
    } catch (...) {
      parts_.logger.error("a state listener threw: " + what_was_thrown());
    }
    lock.lock();
    teller_ = {};
  }
  changed_.notify_all();
}

Client::State Client::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::string Client::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

Streams::Progress Client::progress() const {
  const std::lock_guard lock(mutex_);
  Streams::Progress sum = ended_progress_;
  for (const auto& [number, seat] : seats_) add(sum, seat.thread->report().progress);
  return sum;
}

std::string Client::still_open() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> open;
  for (const auto& [number, seat] : seats_) {
    if (seat.ended) continue;
    const StreamThread::Report report = seat.thread->report();
    open.push_back("thread " + seat.thread->name() + " is " +
                   std::string(to_string(report.worker)) + ", its transaction " +
                   std::string(to_string(report.transaction)) + ", " +
                   std::to_string(report.tasks) + " tasks of which " +
                   std::to_string(report.opening) + " do not run yet");
  }
  return detail::join(open, "; ");
}

}  // namespace millrace
