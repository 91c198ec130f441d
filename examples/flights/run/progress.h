// Lines that show how far a run is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace flights {

class Progress {
 public:
  // `already`: flights that were done before.
  explicit Progress(std::int64_t flights, std::int64_t already = 0);

  // Effect: a line, if enough has happened since the last one, or all is done. `more`: what else
  // there is to say, e.g. "12 commits".
  void show(std::int64_t done, const std::string& more);

  bool at_end(std::int64_t done) const { return done >= all_; }
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::int64_t all_;
  std::int64_t before_;
  std::int64_t shown_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

}  // namespace flights
