// The one inbox of a worker: logs push events from any thread, the worker takes them out one by one,
// and the shell around the worker waits here when there is nothing to do.
//
// Thread-safety: push() and wake() from any thread, also from C callbacks (they do not throw but on
// exhausted memory); everything else from the owning worker's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "log/event.h"

namespace millrace::log {

class Inbox {
 public:
  void push(Event event);

  // Effect: ends a wait; records may be there to drain.
  void wake();

  // Effect: moves the oldest event into `event`. Returns false where there is none.
  bool pop(Event& event);

  bool empty() const;

  // Effect: waits until an event is there, wake() was called since the last wait, or the time is
  // over. For the shell only: step() never waits.
  void wait(Duration at_most);

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;  // guarded by mutex_
  bool woken_ = false;        // guarded by mutex_
};

}  // namespace millrace::log
