// SplitMix64: the one source of chance of a memory log. Written out, so that a seed means the same
// on every machine.
#pragma once

#include <cstdint>

namespace millrace::log::memory {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // 0 .. n − 1. REQUIRES: n > 0.
  std::uint64_t below(std::uint64_t n) { return next() % n; }

  // n = 0: never.
  bool one_in(int n) { return n > 0 && below(static_cast<std::uint64_t>(n)) == 0; }
  bool percent(int p) { return p > 0 && below(100) < static_cast<std::uint64_t>(p); }

 private:
  std::uint64_t state_;
};

}  // namespace millrace::log::memory
