#include "millrace/clock.h"

namespace millrace {

const SystemClock& SystemClock::instance() {
  static const SystemClock clock;
  return clock;
}

Timestamp SystemClock::now() const {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

Duration SystemClock::monotonic() const {
  return std::chrono::floor<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace millrace
