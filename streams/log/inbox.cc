#include "log/inbox.h"

namespace millrace::log {

void Inbox::push(Event event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  changed_.notify_one();
}

void Inbox::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

bool Inbox::pop(Event& event) {
  const std::lock_guard lock(mutex_);
  if (events_.empty()) return false;
  event = std::move(events_.front());
  events_.pop_front();
  return true;
}

bool Inbox::empty() const {
  const std::lock_guard lock(mutex_);
  return events_.empty();
}

void Inbox::wait(Duration at_most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, at_most, [this] { return woken_ || !events_.empty(); });
  woken_ = false;
}

}  // namespace millrace::log
