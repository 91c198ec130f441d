// How long steps take: durations in buckets that are 1/16 of a power of two wide.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace millrace::bench {

inline std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

class Histogram {
 public:
  void add(std::uint64_t ns) {
    ++buckets_[bucket_of(ns)];
    ++count_;
    longest_ = std::max(longest_, ns);
  }
  std::uint64_t count() const { return count_; }
  // In nanoseconds: the upper end of the bucket that holds this share of all.
  double at(double share) const {
    auto left = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] > left) return upper_end(i);
      left -= buckets_[i];
    }
    return static_cast<double>(longest_);
  }
  double longest() const { return static_cast<double>(longest_); }

 private:
  static constexpr std::size_t kParts = 16;
  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < kParts) return ns;
    const auto power = static_cast<std::size_t>(std::bit_width(ns)) - 5;
    return (power + 1) * kParts + ((ns >> power) - kParts);
  }
  static double upper_end(std::size_t bucket) {
    if (bucket < kParts) return static_cast<double>(bucket + 1);
    const std::size_t power = bucket / kParts - 1;
    return static_cast<double>((bucket % kParts + kParts + 1) << power);
  }

  std::array<std::uint64_t, 64 * kParts> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t longest_ = 0;
};

}  // namespace millrace::bench
