// The test driver's clock. The wall clock moves only when the test says so; the other side, which
// time-outs and commit intervals follow, moves whenever nothing else can happen.
#pragma once

#include <algorithm>

#include "millrace/clock.h"

namespace millrace::detail {

class DriverClock final : public Clock {
 public:
  explicit DriverClock(Timestamp start) : wall_(start) {}

  Timestamp now() const override { return wall_; }
  Duration monotonic() const override { return monotonic_; }

  void advance_wall(Duration by) { wall_ += by; }
  void advance_to(Duration monotonic) { monotonic_ = std::max(monotonic_, monotonic); }

 private:
  Timestamp wall_;
  Duration monotonic_{0};
};

}  // namespace millrace::detail
