// How long the worker's thread is busy with one record, while a store grows to millions of keys from
// empty: one step of the worker takes one record, and everything that comes between (events, commits,
// growing indexes, expiry) is in the step that it delays.
//
//   latency_bench [keys]
#include <millrace/dsl.h>
#include <millrace/logging.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <stdexcept>

#include "figures.h"
#include "worker/worker.h"

namespace {

using namespace millrace;
using namespace std::chrono_literals;

// Durations in buckets that are 1/16 of a power of two wide.
class Histogram {
 public:
  void add(std::uint64_t ns) {
    ++buckets_[bucket_of(ns)];
    ++count_;
    longest_ = std::max(longest_, ns);
  }
  // The upper end of the bucket that holds this share of all.
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

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

Topology counts() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").group_by_key().count(
      "counts", {.store = StoreKind::kInMemory});
  return builder.build();
}

void measure(std::int64_t keys) {
  const bench::Scratch scratch;
  EmbeddedLog log(scratch.path() + "/journal", {}, &null_logger());
  bench::append_input(log, "in", {.records = keys, .keys = keys, .growing = true});

  const Topology topology = counts();
  worker::WorkerOptions options;
  options.application_id = "latency";
  options.transactional_id = "latency-1";
  options.max_records_per_step = 1;
  worker::Worker worker(topology.graph(), options, detail::log_of(log), SystemClock::instance(),
                        null_logger());
  Histogram busy;
  std::int64_t taken = 0;
  while (!worker.finished() && !(worker.counts().records >= keys && worker.quiet())) {
    const std::uint64_t before = now_ns();
    const bool moved = worker.step();
    const std::uint64_t took = now_ns() - before;
    if (worker.counts().records > taken || took > 1'000'000) busy.add(took);
    taken = worker.counts().records;
    if (!moved) worker.inbox().wait(Duration(1));
  }
  if (worker.finished()) throw std::runtime_error(worker.failure());
  const std::string name = "record_in_memory." + std::to_string(keys / 1'000'000) + "M_keys";
  bench::figure(name + ".p50", busy.at(0.50) / 1e3, "us");
  bench::figure(name + ".p99", busy.at(0.99) / 1e3, "us");
  bench::figure(name + ".p99_9", busy.at(0.999) / 1e3, "us");
  bench::figure(name + ".longest", busy.longest() / 1e6, "ms");
  bench::figure(name + ".peak_memory", bench::peak_megabytes(), "MB");
}

}  // namespace

int main(int argc, char** argv) try {
  measure(argc > 1 ? std::atoll(argv[1]) : 10'000'000);
} catch (const std::exception& e) {
  std::fprintf(stderr, "latency_bench: %s\n", e.what());
  return 1;
}
