// SIGINT and SIGTERM as something to wait for. They may come to any thread of the process: also to one
// that was started before and knows nothing of this.
#pragma once

#include <csignal>

#include "millrace/time.h"

namespace millrace {

// Belongs to one thread; several may watch at once, and each is told.
class SignalWatch {
 public:
  // Effect: from here on both signals are counted, instead of whatever they did to the process before;
  // they are not blocked in this thread.
  SignalWatch();
  // Effect: they do what they did before, if nobody else watches.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Effect: waits for the next signal, at most so long. Returns whether there was one, each once. One
  // that came to another thread is told at the end of the time.
  bool wait(Duration timeout);

 private:
  int told_;
  sigset_t mask_before_;
};

}  // namespace millrace
