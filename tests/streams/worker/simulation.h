// A random life of several workers on a hostile memory log: records come, workers come, go and die,
// and the log does what a bad cluster may do. All of it follows from one seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "log/memory/memory_log.h"
#include "millrace/topology.h"
#include "worker/worker.h"

namespace millrace::worker {

class Simulation {
 public:
  Simulation(Topology topology, std::uint64_t seed);
  ~Simulation();

  // Effect: runs to the end: all input taken, all committed, nothing open. Returns what went wrong
  // on the way, or nothing.
  std::string run();

  static constexpr std::int32_t kPartitions = 3;

  // For the invariants, after run().
  std::vector<log::memory::StoredRecord> committed(const std::string& topic, std::int32_t p) const;
  // What was written to "in": values by partition, in order. Those without a key are dropped.
  const std::vector<std::vector<std::string>>& input() const { return input_; }
  std::string not_at_rest() const;  // partitions with an open end, or input that is not committed

  const log::memory::HostileCounts& counts() const { return log_.counts(); }
  int deaths() const { return deaths_; }
  // Equal for equal runs: what happened, step by step.
  std::uint64_t trace() const { return trace_; }

 private:
  struct Member {
    std::string id;
    std::unique_ptr<Worker> worker;
  };

  std::uint64_t below(std::uint64_t n);
  void start(const std::string& id);
  void put();
  void something_happens();
  bool step();
  void wait();
  bool done();
  void note(std::uint64_t what);

  const Topology topology_;
  std::uint64_t random_;
  ManualClock clock_{from_ms(1'000'000)};
  log::memory::MemoryLog log_;
  std::vector<Member> members_;
  std::vector<std::vector<std::string>> input_;
  int records_ = 0;
  int names_ = 0;
  int deaths_ = 0;
  std::uint64_t trace_ = 0;
  std::string failure_;
};

}  // namespace millrace::worker
