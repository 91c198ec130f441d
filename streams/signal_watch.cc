#include "signal_watch.h"

#include <poll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

namespace millrace {

namespace {

constexpr std::array<int, 2> kSignals = {SIGINT, SIGTERM};

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler must not wait for a lock");

void count_signal(int) { received.fetch_add(1); }

std::mutex mutex;
int watches = 0;                                       // guarded by mutex
std::array<struct sigaction, kSignals.size()> before;  // guarded by mutex; of the process

void install() {
  const std::lock_guard lock(mutex);
  if (watches++ > 0) return;
  struct sigaction counting = {};
  counting.sa_handler = count_signal;
  counting.sa_flags = SA_RESTART;
  sigemptyset(&counting.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &counting, &before[i]);
}

void restore() {
  const std::lock_guard lock(mutex);
  if (--watches > 0) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before[i], nullptr);
}

}  // namespace

SignalWatch::SignalWatch() : told_(received.load()) {
  install();
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kSignals) sigaddset(&signals, signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, &mask_before_);
}

SignalWatch::~SignalWatch() {
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  restore();
}

bool SignalWatch::wait(Duration timeout) {
  if (received.load() == told_) ::poll(nullptr, 0, static_cast<int>(timeout.count()));
  if (received.load() == told_) return false;
  ++told_;
  return true;
}

}  // namespace millrace
