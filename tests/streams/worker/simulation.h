// A random life of several workers on a hostile memory log: records come, workers come, go and die,
// and the log does what a bad cluster may do. All of it follows from one seed.
//
// The workers are processes in a group of the log, or threads of one process: then the log fences
// nothing but transactional ids, and what dies is a worker that is replaced, or the whole process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "log/memory/memory_log.h"
#include "millrace/detail/memory_budget.h"
#include "millrace/detail/memory_disk.h"
#include "millrace/topology.h"
#include "streams/worker/process_log.h"
#include "worker/worker.h"

namespace millrace::worker {

enum class Workers { kProcesses, kThreads };
// Whether each process keeps its stores on a disk, which applies late and forgets in a crash what it
// has not applied; then memory is short now and then, too.
enum class Disks { kNone, kOfEachProcess };

class Simulation {
 public:
  // REQUIRES: threads have no disks.
  Simulation(Topology topology, std::uint64_t seed, Workers workers = Workers::kProcesses,
             Disks disks = Disks::kNone);
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
  // Of workers that were there at the end.
  std::int64_t evictions() const;
  int deaths() const { return deaths_; }
  int process_deaths() const { return process_deaths_; }
  // Equal for equal runs: what happened, step by step.
  std::uint64_t trace() const { return trace_; }

 private:
  static constexpr std::size_t kMemory = std::size_t{1} << 40;

  struct Member {
    std::string id;
    std::unique_ptr<Worker> worker;
    std::vector<std::unique_ptr<Worker>> failed = {};  // until the worker has taken over
  };

  std::uint64_t below(std::uint64_t n);
  void start(const std::string& id, int workers_at_start = 1);
  void start_process();
  std::string new_id();
  void kill(Member& member);
  bool all_took_over() const;
  void put();
  void something_happens();
  bool step();
  void wait();
  bool done();
  void note(std::uint64_t what);

  const Topology topology_;
  const Workers workers_;
  const Disks keeps_;
  std::uint64_t random_;
  ManualClock clock_{from_ms(1'000'000)};
  log::memory::MemoryLog log_;
  std::unique_ptr<ProcessLog> process_;                                  // of threads
  std::map<std::string, std::unique_ptr<state::MemoryDiskHost>> disks_;  // by id of a process
  state::MemoryBudget memory_{kMemory};                                  // of all processes
  state::MemoryShare others_{memory_, state::MemoryUse::kRocksDb};       // all of it, or nothing
  std::vector<Member> members_;
  std::vector<std::vector<std::string>> input_;
  int records_ = 0;
  int names_ = 0;
  int most_threads_ = 2;
  int process_deaths_ = 0;
  int deaths_ = 0;
  std::uint64_t trace_ = 0;
  std::string failure_;
};

}  // namespace millrace::worker
