#include "abort/operator_run.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

#include "abort/aborting_log.h"
#include "log/memory/memory_log.h"
#include "millrace/detail/memory_disk.h"
#include "millrace/partitioning.h"
#include "worker/worker.h"

namespace millrace::testing {

namespace {

constexpr std::int32_t kPartitions = 2;
constexpr const char* kApplication = "app";
constexpr Duration kStart{1'000'000};  // what the clock says at first

std::string shown(const OptionalBytes& bytes) { return bytes ? *bytes : "null"; }

std::string shown(const log::memory::StoredRecord& record) {
  std::string text = shown(record.key) + "=" + shown(record.value) + "@" +
                     std::to_string(to_ms(record.timestamp)) + " {";
  for (const Header& header : record.headers) text += header.name + ":" + shown(header.value) + " ";
  return text + "}";
}

class Application {
 public:
  Application(const Operator& op, Disk disk)
      : script_(op.script()), tick_(op.tick), topology_(built(op)), random_(disk.value_or(0)) {
    if (disk) disk_.emplace(state::MemoryDiskOptions{disk});
    for (const std::string& topic : graph::external_topics(topology_.graph()))
      log_.create_topic({topic, kPartitions, {}});
    make_worker();
  }

  // Effect: appends the records and runs them; what comes of it is not committed.
  void pipe(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      const Input& in = script_[i];
      const Partition p =
          in.key ? partition_for_key(*in.key, kPartitions) : Partition(static_cast<int>(i) % 2);
      const auto appended =
          log_.append(in.topic, p, {in.key, in.value, from_ms(in.timestamp), &in.headers});
      if (!appended.ok()) throw std::logic_error(appended.status().message());
      if (tick_ > Duration{0}) pass_time(i);
    }
    while (step()) {
    }
  }

  // Effect: commits until nothing is left to do.
  void settle(bool aborting = false) {
    seam_.refuse_each_commit_once(aborting);
    for (int rounds = 0; !quiet(); ++rounds) {
      if (rounds > 10'000) throw std::logic_error("stuck while " + where_it_is());
      worker_->request_commit();
      if (!step()) wait();
    }
    seam_.refuse_each_commit_once(false);
    committed_drops_ = drops();
  }

  void restart() {
    dropped_before_ = committed_drops_;
    worker_.reset();
    if (disk_ && random_() % 2 == 0) disk_->crash();
    make_worker();
    // All of the second part waits: it makes one transaction again.
    while (!worker_->settled()) {
      if (!step()) wait();
    }
    while (step()) {
    }
    settle();
  }

  Result result() {
    keep_records();
    Result result;
    result.dropped = drops();
    for (const std::string& topic : log_.topics()) {
      const bool changelog = topic.ends_with("-changelog");
      for (std::int32_t p = 0; p < log_.partitions(topic).value_or(0); ++p) {
        const std::string name = topic + "-" + std::to_string(p);
        for (const auto& record : kept_[{topic, Partition(p)}]) {
          if (changelog) {
            result.folds[name][shown(record.key)] = shown(record);
          } else {
            result.records[name].push_back(shown(record));
          }
        }
      }
    }
    return result;
  }

  bool reads_two_topics() const {
    return std::any_of(script_.begin(), script_.end(),
                       [&](const Input& in) { return in.topic != script_.front().topic; });
  }

  int aborts() const { return seam_.refused(); }
  std::int64_t disk_reads() const { return disk_ ? disk_->reads() : 0; }

 private:
  static Topology built(const Operator& op) {
    StreamsBuilder builder;
    op.build(builder);
    return builder.build();
  }

  // Record i is taken, then the wall clock goes on: to the same time in each run.
  void pass_time(std::size_t i) {
    while (step()) {
    }
    const Duration to = kStart + static_cast<int>(i + 1) * tick_;
    if (to <= clock_.monotonic()) throw std::logic_error("the clock is ahead of its plan");
    clock_.advance(to - clock_.monotonic());
  }

  void make_worker() {
    worker::WorkerOptions options;
    options.application_id = kApplication;
    options.transactional_id = "app-1";
    options.commit_interval = Duration(3'600'000);  // commits come when they are asked for
    options.transaction_timeout = Duration(900'000);
    options.forget_typed_values = true;
    options.rehearse_steps = true;
    options.max_records_per_step = 1;
    if (disk_) options.disks = &*disk_;
    options.on_transaction_end = [this](bool) { keep_records(); };
    worker_ = std::make_unique<worker::Worker>(topology_.graph(), std::move(options), seam_, clock_,
                                               null_logger());
    while (step()) {
    }
  }

  // Effect: what the disk has goes from memory, or what of it was not used for a while, or nothing.
  void evict() {
    if (!disk_ || !worker_->find_tasks()) return;
    for (auto& [id, entry] : worker_->tasks().entries()) {
      if (entry.state != worker::TaskState::kRunning) continue;
      for (auto steps = random_() % 8; steps > 0; --steps) entry.task->evict(1 << 20);
    }
  }

  bool quiet() {
    while (step()) {
    }
    return worker_->quiet();
  }

  // Nothing moves by itself: what waits for the clock is next.
  void wait() {
    std::optional<Duration> next = worker_->next_timeout();
    if (const auto due = log_.next_due(); due && (!next || due->time_since_epoch() < *next))
      next = due->time_since_epoch();
    if (next && *next > clock_.monotonic()) clock_.advance(*next - clock_.monotonic());
  }

  std::string where_it_is() const {
    std::string text(to_string(worker_->state()));
    text.append(", ").append(to_string(worker_->transaction().state()));
    text.append(", ").append(to_string(worker_->membership()));
    for (const auto& [id, entry] : worker_->tasks().entries())
      text.append(", task ").append(to_string(id)).append(" ").append(to_string(entry.state));
    return text;
  }

  // The engine deletes what nobody will read again, some time after a commit.
  void keep_records() {
    for (const std::string& topic : log_.topics()) {
      for (std::int32_t p = 0; p < log_.partitions(topic).value_or(0); ++p) {
        auto& kept = kept_[{topic, Partition(p)}];
        const Offset next = kept.empty() ? Offset(0) : kept.back().offset + 1;
        for (auto& record : log_.read(topic, Partition(p), next, log::Isolation::kReadCommitted))
          kept.push_back(std::move(record));
      }
    }
  }

  bool step() {
    evict();
    bool moved = worker_->step();
    moved = log_.step() || moved;
    if (worker_->state() == worker::WorkerState::kFailed)
      throw std::runtime_error(worker_->failure());
    return moved;
  }

  std::map<std::string, std::int64_t> drops() const {
    std::map<std::string, std::int64_t> drops = dropped_before_;
    for (const auto& [id, entry] : worker_->tasks().entries()) {
      for (const auto& [what, count] : entry.task->dropped()) drops[what] += count;
    }
    return drops;
  }

  const Script script_;
  const Duration tick_;
  const Topology topology_;
  ManualClock clock_{Timestamp(kStart)};
  log::memory::MemoryLog log_{clock_};
  AbortingLog seam_{log_};
  std::map<TopicPartition, std::vector<log::memory::StoredRecord>> kept_;
  std::mt19937_64 random_;
  std::optional<state::MemoryDiskHost> disk_;
  std::unique_ptr<worker::Worker> worker_;
  std::map<std::string, std::int64_t> committed_drops_;
  std::map<std::string, std::int64_t> dropped_before_;  // of workers that died
};

}  // namespace

OperatorRun run_operator(const Operator& op, std::size_t first, std::size_t second, Fate fate,
                         Arrival arrival, Disk disk) {
  Application run(op, disk);
  const std::size_t end = op.script().size();
  run.pipe(0, first);
  run.settle();
  const std::size_t pieces = arrival == Arrival::kInPieces && run.reads_two_topics() ? 3 : 1;
  for (std::size_t i = 0; i < pieces; ++i)
    run.pipe(first + (second - first) * i / pieces, first + (second - first) * (i + 1) / pieces);
  if (fate == Fate::kRestart) {
    run.restart();
  } else {
    run.settle(fate == Fate::kAbort);
  }
  run.pipe(second, end);
  run.settle();
  return {run.result(), run.aborts(), run.disk_reads()};
}

}  // namespace millrace::testing
