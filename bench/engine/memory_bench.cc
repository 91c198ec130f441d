// More state than memory: a count whose keys grow to many millions from empty under
// state.memory.bytes=512MB, then records of old keys by Zipf's law. How long the worker's thread is busy
// with one record, with and without a read from disk in it; and what the process holds at most, against
// what the budget counts.
//
//   memory_bench [keys] [megabytes]
#include <millrace/detail/disk_host.h>
#include <millrace/dsl.h>
#include <millrace/logging.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "figures.h"
#include "histogram.h"
#include "local_state.h"
#include "worker/worker.h"

namespace {

using namespace millrace;

// A table that counts how often it is asked.
class CountedTable final : public state::DiskTable {
 public:
  CountedTable(state::DiskTable& below, std::int64_t& reads) : below_(below), reads_(reads) {}

  Offset offset() const override { return below_.offset(); }
  Timestamp offset_stamped() const override { return below_.offset_stamped(); }
  std::optional<Bytes> fact(std::string_view name) const override { return below_.fact(name); }
  std::vector<std::pair<std::string, Bytes>> facts(std::string_view prefix) const override {
    return below_.facts(prefix);
  }
  state::BatchNumber submit(state::CommitBatch batch) override {
    return below_.submit(std::move(batch));
  }
  state::BatchNumber applied() const override { return below_.applied(); }
  void hurry() override { below_.hurry(); }
  bool get(BytesView key, Bytes& value, Timestamp& timestamp) override {
    ++reads_;
    return below_.get(key, value, timestamp);
  }
  void multi_get(std::span<const BytesView> keys, std::vector<Found>& found) override {
    ++reads_;
    below_.multi_get(keys, found);
  }
  std::unique_ptr<state::DiskScan> scan(OptionalBytesView from, OptionalBytesView to,
                                        state::ScanOrder order) override {
    ++reads_;
    return below_.scan(from, to, order);
  }
  Status health() const override { return below_.health(); }

 private:
  state::DiskTable& below_;
  std::int64_t& reads_;
};

class CountedDisk final : public state::TaskDisk {
 public:
  CountedDisk(std::unique_ptr<state::TaskDisk> below, std::int64_t& reads)
      : below_(std::move(below)), reads_(reads) {}
  State state() const override { return below_->state(); }
  const std::string& failure() const override { return below_->failure(); }
  state::DiskTable& table(std::string_view store) override {
    auto& table = tables_[std::string(store)];
    if (!table) table = std::make_unique<CountedTable>(below_->table(store), reads_);
    return *table;
  }

 private:
  const std::unique_ptr<state::TaskDisk> below_;
  std::int64_t& reads_;
  std::map<std::string, std::unique_ptr<CountedTable>> tables_;
};

class CountedHost final : public state::DiskHost {
 public:
  explicit CountedHost(state::DiskHost& below) : below_(below) {}
  std::unique_ptr<state::TaskDisk> open_task(state::TaskDiskSpec spec,
                                             std::function<void()> wake) override {
    return std::make_unique<CountedDisk>(below_.open_task(std::move(spec), std::move(wake)),
                                         reads_);
  }
  std::size_t memory_bytes() const override { return below_.memory_bytes(); }
  std::int64_t reads() const { return reads_; }

 private:
  state::DiskHost& below_;
  std::int64_t reads_ = 0;
};

// What the process held when it held most, by holder.
class Memory {
 public:
  explicit Memory(const state::MemoryBudget& budget) : budget_(budget) {}

  void look() {
    std::ifstream statm("/proc/self/statm");
    std::size_t pages = 0;
    std::size_t resident = 0;
    statm >> pages >> resident;
    resident *= static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    if (resident <= resident_) return;
    resident_ = resident;
    for (std::size_t use = 0; use < held_.size(); ++use) {
      held_[use] = budget_.used(static_cast<state::MemoryUse>(use));
    }
  }

  void print(const std::string& name) const {
    static constexpr std::array<const char*, state::kMemoryUses> kNames = {
        "cells", "undo", "batches", "retained_input", "restore", "rocksdb"};
    std::size_t counted = 0;
    for (std::size_t use = 0; use < held_.size(); ++use) {
      counted += held_[use];
      bench::figure(name + ".at_peak." + kNames[use], megabytes(held_[use]), "MB");
    }
    bench::figure(name + ".at_peak.counted", megabytes(counted), "MB");
    bench::figure(name + ".peak_memory", bench::peak_megabytes(), "MB");
  }

 private:
  static double megabytes(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

  const state::MemoryBudget& budget_;
  std::size_t resident_ = 0;
  std::array<std::size_t, state::kMemoryUses> held_{};
};

void print(const std::string& name, const bench::Histogram& busy) {
  bench::figure(name + ".records", static_cast<double>(busy.count()), "1");
  bench::figure(name + ".p50", busy.at(0.50) / 1e3, "us");
  bench::figure(name + ".p99", busy.at(0.99) / 1e3, "us");
  bench::figure(name + ".p99_9", busy.at(0.999) / 1e3, "us");
  bench::figure(name + ".longest", busy.longest() / 1e6, "ms");
}

// In a process of its own, so that what writing the input takes is not in the figures.
void write_input(const std::string& directory, std::int64_t keys) {
  const pid_t child = ::fork();
  if (child == 0) {
    int result = 1;
    try {
      EmbeddedLog log(directory, {}, &null_logger());
      bench::append_input(log, "in",
                          {.records = keys, .keys = keys, .partitions = 1, .growing = true});
      bench::append_input(log, "in", {.records = keys / 5, .keys = keys, .partitions = 1});
      result = 0;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "memory_bench: %s\n", e.what());
    }
    ::_exit(result);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error("the input could not be written");
  }
}

Topology counts() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").group_by_key().count("counts");
  return builder.build();
}

void measure(std::int64_t keys, std::int64_t megabytes) {
  const bench::Scratch scratch;
  write_input(scratch.path() + "/journal", keys);

  const Topology topology = counts();
  const StreamsConfig config{.application_id = "memory",
                             .state_dir = scratch.path() + "/state",
                             .state_memory_bytes = megabytes << 20,
                             .logger = &null_logger()};
  EmbeddedLog log(scratch.path() + "/journal", {}, &null_logger());
  LocalState local(topology.graph(), config);
  local.open();
  CountedHost disks(*local.disks());
  Memory memory(local.memory());
  worker::WorkerOptions options;
  options.application_id = config.application_id;
  options.transactional_id = "memory-1";
  options.max_records_per_step = 1;
  options.disks = &disks;
  options.memory = &local.memory();
  {
    worker::Worker worker(topology.graph(), options, detail::log_of(log), SystemClock::instance(),
                          null_logger());
    const std::string name = "record_on_disk." + std::to_string(keys / 1'000'000) + "M_keys." +
                             std::to_string(megabytes) + "MB";
    // Effect: runs until so many records are taken, in all.
    const auto run = [&](const std::string& part, std::int64_t until) {
      bench::Histogram in_memory;
      bench::Histogram with_disk;
      std::int64_t taken = worker.counts().records;
      const std::int64_t to_take = until - taken;
      const double wall = bench::wall_seconds();
      const double cpu = bench::cpu_seconds();
      while (!worker.finished() && worker.counts().records < until) {
        const std::int64_t reads = disks.reads();
        const std::uint64_t before = bench::now_ns();
        const bool moved = worker.step();
        const std::uint64_t took = bench::now_ns() - before;
        if (worker.counts().records > taken || took > 1'000'000) {
          (disks.reads() > reads ? with_disk : in_memory).add(took);
        }
        if (worker.counts().records / 50'000 != taken / 50'000) memory.look();
        taken = worker.counts().records;
        if (!moved) worker.inbox().wait(Duration(1));
      }
      if (worker.finished()) throw std::runtime_error(worker.failure());
      const auto n = static_cast<double>(to_take);
      bench::figure(name + '.' + part + ".records_per_cpu_second", n / (bench::cpu_seconds() - cpu),
                    "1/s");
      bench::figure(name + '.' + part + ".records_per_second", n / (bench::wall_seconds() - wall),
                    "1/s");
      print(name + '.' + part + ".no_read", in_memory);
      print(name + '.' + part + ".disk_read", with_disk);
    };
    run("new_keys", keys);
    run("old_keys", keys + keys / 5);
    memory.print(name);
    worker.close();
    while (!worker.finished()) {
      if (!worker.step()) worker.inbox().wait(Duration(1));
    }
  }
  if (!local.wait_closed(Duration(120'000))) throw std::runtime_error("the disk did not close");
}

}  // namespace

int main(int argc, char** argv) try {
  measure(argc > 1 ? std::atoll(argv[1]) : 10'000'000, argc > 2 ? std::atoll(argv[2]) : 512);
} catch (const std::exception& e) {
  std::fprintf(stderr, "memory_bench: %s\n", e.what());
  return 1;
}
