// The clock that the engine reads; injected everywhere, so that no logic depends on real time.
//
//   ManualClock clock;               // tests and the simulator: moves only when told
//   clock.advance(10s);
//   SystemClock::instance();         // programs
#pragma once

#include "millrace/time.h"

namespace millrace {

// Thread-safety: now() and monotonic() may be called by any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // The wall clock: what punctuators of wall-clock time and record stamps are given.
  virtual Timestamp now() const = 0;

  // A clock that never goes back, for time-outs and intervals. Its zero means nothing.
  virtual Duration monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  static const SystemClock& instance();
  Timestamp now() const override;
  Duration monotonic() const override;
};

// Moves only by advance(). Not thread-safe: for single-threaded tests.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = Timestamp{}) : now_(start) {}
  Timestamp now() const override { return now_; }
  Duration monotonic() const override { return now_.time_since_epoch(); }

  // REQUIRES: by >= 0.
  void advance(Duration by) { now_ += by; }

 private:
  Timestamp now_;
};

}  // namespace millrace
