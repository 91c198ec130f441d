#include "millrace/test_driver.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <random>
#include <stdexcept>

#include "log/memory/memory_log.h"
#include "millrace/error.h"
#include "millrace/partitioning.h"
#include "test_driver/driver_clock.h"
#include "test_driver/driver_disk.h"
#include "worker/worker.h"

namespace millrace::detail {

namespace {

std::optional<std::uint64_t> hostile_seed(const TestOptions& options) {
  if (options.plain) return std::nullopt;
  if (options.hostile) return options.hostile;
  const char* seed = std::getenv("MILLRACE_HOSTILE");
  if (seed == nullptr || *seed == '\0') return std::nullopt;
  return std::strtoull(seed, nullptr, 10);
}

log::memory::MemoryLogOptions log_options(const std::optional<std::uint64_t>& seed,
                                          bool keeps_tasks) {
  log::memory::MemoryLogOptions options;
  if (!seed) return options;
  options.hostile = log::memory::HostileOptions::everything(*seed);
  if (keeps_tasks) {
    options.hostile.one_in_revoke = 0;
    options.hostile.one_in_lost = 0;
  }
  return options;
}

}  // namespace

struct TestDriverCore::Implementation {
  Implementation(Topology built, StreamsConfig configured, TestOptions wanted)
      : topology(std::move(built)),
        config(std::move(configured)),
        options(std::move(wanted)),
        seed(hostile_seed(options)),
        clock(options.start_time),
        log(clock, log_options(seed, options.hostile_keeps_tasks)),
        random(seed.value_or(0)) {
    if (const auto disk_seed = options.disk ? options.disk : seed) disk.emplace(*disk_seed);
    if (config.application_id.empty()) config.application_id = "test";
    for (const std::string& topic : graph::external_topics(topology.graph())) {
      const auto partitions = options.partitions.find(topic);
      log.create_topic(
          {topic, partitions == options.partitions.end() ? 1 : partitions->second, {}});
    }
    const std::string& dead_letters = config.errors.dead_letter_topic;
    if (!dead_letters.empty() && !log.partitions(dead_letters)) {
      log.create_topic({dead_letters, 1, {}});
    }
    make_worker();
  }

  void make_worker() {
    worker::WorkerOptions wanted;
    wanted.application_id = config.application_id;
    wanted.transactional_id = config.application_id + "-test-1";
    wanted.commit_interval = config.commit_interval;
    wanted.max_task_idle = config.max_task_idle;
    wanted.transaction_timeout =
        Duration(900'000);  // the longest that a broker allows: time jumps here
    wanted.buffered_records_per_partition =
        static_cast<std::size_t>(config.buffered_records_per_partition);
    wanted.forget_typed_values = seed.has_value();
    wanted.errors = config.errors;
    wanted.on_transaction_end = [this](bool committed) {
      if (committed) keep_repartition_records();
      if (transaction_end) transaction_end(committed);
    };
    if (disk) disk->put_below(wanted);
    Logger& logger = config.logger ? *config.logger : null_logger();
    worker =
        std::make_unique<worker::Worker>(topology.graph(), std::move(wanted), log, clock, logger);
  }

  // Returns whether anything moved.
  bool step() {
    if (disk) disk->squeeze();
    bool moved = worker->step();
    moved = log.step() || moved;
    if (worker->state() == worker::WorkerState::kFailed) throw StoppedError(worker->failure());
    const auto failed = worker->backing_off();
    if (!failed.empty()) throw StoppedError(failed.begin()->second);
    return moved;
  }

  // The engine deletes repartition records that it has read; tests look at them all the same.
  // Called before it does so: what it may delete now was committed before the transaction at hand.
  void keep_repartition_records() {
    for (const std::string& topic : worker->plan().repartition_topics) {
      for (std::int32_t i = 0; i < log.partitions(topic).value_or(0); ++i) {
        auto& kept = kept_records[{topic, Partition(i)}];
        const Offset next = kept.empty() ? Offset(0) : kept.back().offset + 1;
        auto records = log.read(topic, Partition(i), next, log::Isolation::kReadCommitted);
        std::move(records.begin(), records.end(), std::back_inserter(kept));
      }
    }
  }

  // All committed records of the partition from this offset on, deleted ones included.
  std::vector<log::memory::StoredRecord> read(const std::string& topic, Partition partition,
                                              Offset from) {
    std::vector<log::memory::StoredRecord> records;
    if (const auto kept = kept_records.find({topic, partition}); kept != kept_records.end()) {
      std::copy_if(kept->second.begin(), kept->second.end(), std::back_inserter(records),
                   [&](const auto& record) { return record.offset >= from; });
      if (!kept->second.empty()) from = std::max(from, kept->second.back().offset + 1);
    }
    auto rest = log.read(topic, partition, from, log::Isolation::kReadCommitted);
    std::move(rest.begin(), rest.end(), std::back_inserter(records));
    return records;
  }

  // Whether every record that was piped was taken by the task that reads it.
  bool all_taken() {
    for (const auto& [where, end] : piped_up_to) {
      for (const auto& plan : worker->plan().subtopologies) {
        if (plan.source_partitions.contains(where.topic) && !taken(where, end)) return false;
      }
    }
    return true;
  }
  bool taken(const TopicPartition& where, Offset end) {
    for (const auto& [id, entry] : worker->tasks().entries()) {
      if (entry.state != worker::TaskState::kRunning || entry.task->replaying()) continue;
      const auto& sources = entry.task->sources();
      const auto source = std::find(sources.begin(), sources.end(), where) - sources.begin();
      if (source == std::ssize(sources)) continue;
      if (entry.task->next_offset(static_cast<std::size_t>(source)) >= end) return true;
    }
    return false;
  }

  bool all_quiet() {
    if (!worker->quiet()) return false;
    std::size_t tasks = 0;
    for (const auto& plan : worker->plan().subtopologies)
      tasks += static_cast<std::size_t>(plan.tasks);
    return worker->tasks().entries().size() == tasks;
  }

  // What waits for the clock and comes first. Punctuations wait for the wall clock, which stands
  // still.
  std::optional<Duration> next_timer() {
    std::optional<Duration> next = worker->next_timeout();
    if (const auto due = log.next_due()) {  // by the wall clock, which stands still
      const Duration at = clock.monotonic() + (*due - clock.now());
      if (!next || at < *next) next = at;
    }
    return next;
  }

  // Nothing moves by itself: what waits for the clock is next.
  void wait() {
    const auto next = next_timer();
    if (!next)
      throw std::logic_error(
          "the test driver is stuck: something waits, and nothing is on its way");
    clock.advance_to(*next);
  }

  void settle() {
    for (;;) {
      if (step()) continue;
      if (all_quiet()) break;
      wait();
    }
    if (disk) disk->idle(worker->tasks());
  }

  void drain() {
    while (!all_taken()) {
      if (!step()) wait();
    }
  }

  // Some steps, so that transactions end where nobody planned it.
  void run_a_little() {
    for (auto steps = random() % 8; steps > 0; --steps) step();
    if (random() % 5 == 0) clock.advance_to(clock.monotonic() + config.commit_interval);
  }

  Topology topology;
  StreamsConfig config;
  TestOptions options;
  std::optional<std::uint64_t> seed;
  DriverClock clock;
  log::memory::MemoryLog log;
  std::mt19937_64 random;
  std::function<void(bool)> transaction_end;
  std::optional<DriverDisk> disk;
  std::unique_ptr<worker::Worker> worker;
  std::int64_t evictions_before = 0;                      // of workers that died
  std::map<std::string, std::vector<Offset>> read_up_to;  // per output topic and partition
  std::map<TopicPartition, Offset> piped_up_to;
  std::map<TopicPartition, std::vector<log::memory::StoredRecord>>
      kept_records;  // of repartition topics
};

TestDriverCore::TestDriverCore(Topology topology, StreamsConfig config, TestOptions options)
    : implementation_(std::make_unique<Implementation>(std::move(topology), std::move(config),
                                                       std::move(options))) {
  settle();
}

TestDriverCore::~TestDriverCore() = default;

void TestDriverCore::pipe(const std::string& topic, std::size_t key_bytes_behind_inner,
                          OptionalBytesView key, OptionalBytesView value, Timestamp timestamp,
                          const Headers& headers) {
  Implementation& self = *implementation_;
  const auto partitions = self.log.partitions(topic);
  if (!partitions) throw TopicError("the topology does not read topic " + topic);
  const Partition partition =
      key ? partition_for_key(key->substr(0, key->size() - key_bytes_behind_inner), *partitions)
          : Partition(0);
  const auto appended = self.log.append(topic, partition, {key, value, timestamp, &headers});
  if (!appended.ok()) throw TopicError("topic " + topic + ": " + appended.status().message());
  self.piped_up_to[{topic, partition}] = appended.value() + 1;
  if (self.options.commit_each_input) {
    self.settle();
  } else {
    self.run_a_little();
  }
}

std::optional<RawTestRecord> TestDriverCore::read(const std::string& topic) {
  Implementation& self = *implementation_;
  if (!self.options.commit_each_input) self.settle();
  std::vector<Offset>& next = self.read_up_to[topic];
  next.resize(static_cast<std::size_t>(self.log.partitions(topic).value_or(0)));
  for (std::size_t i = 0; i < next.size(); ++i) {
    const Partition partition(static_cast<std::int32_t>(i));
    auto records = self.read(topic, partition, next[i]);
    if (records.empty()) continue;
    next[i] = records.front().offset + 1;
    auto& first = records.front();
    return RawTestRecord{partition,
                         first.offset,
                         std::move(first.key),
                         std::move(first.value),
                         first.timestamp,
                         std::move(first.headers)};
  }
  return std::nullopt;
}

bool TestDriverCore::has_record(const std::string& topic) {
  Implementation& self = *implementation_;
  const auto before = self.read_up_to[topic];
  const bool found = read(topic).has_value();
  self.read_up_to[topic] = before;
  return found;
}

std::vector<RawTestRecord> TestDriverCore::committed_records(const std::string& topic) {
  Implementation& self = *implementation_;
  if (!self.options.commit_each_input) self.settle();
  std::vector<RawTestRecord> all;
  for (std::int32_t i = 0; i < self.log.partitions(topic).value_or(0); ++i) {
    for (auto& record : self.read(topic, Partition(i), Offset(0))) {
      all.push_back({Partition(i), record.offset, std::move(record.key), std::move(record.value),
                     record.timestamp, std::move(record.headers)});
    }
  }
  return all;
}

void TestDriverCore::advance_wall_clock_time(Duration by) {
  implementation_->clock.advance_wall(by);
  settle();
}

void TestDriverCore::settle() { implementation_->settle(); }
void TestDriverCore::drain() { implementation_->drain(); }

void TestDriverCore::restart() {
  Implementation& self = *implementation_;
  // A commit that is with the log already may count or not, and the dead cannot ask.
  const auto undecided = [&] {
    const auto state = self.worker->transaction().state();
    return state == worker::ProducerState::kCommitting || state == worker::ProducerState::kRotating;
  };
  while (undecided()) {
    if (self.step()) continue;
    if (const auto next = self.next_timer()) self.clock.advance_to(*next);
  }
  if (self.transaction_end) self.transaction_end(false);
  self.evictions_before += self.worker->counts().evictions;
  self.worker.reset();
  if (self.disk) self.disk->restart();
  self.make_worker();
  self.settle();
}

state::Store& TestDriverCore::find_store(std::string_view name, const std::type_info& key,
                                         const std::type_info& value) {
  Implementation& self = *implementation_;
  if (!self.options.commit_each_input) self.settle();
  state::Store* found = nullptr;
  for (auto& [id, entry] : self.worker->tasks().entries()) {
    state::Store* store = entry.task->find_store(name);
    if (store && found) {
      throw std::invalid_argument(
          "store " + std::string(name) +
          " has several partitions here: a driver with one partition shows it whole");
    }
    if (store) found = store;
  }
  if (!found) throw StoreUnavailable("the topology has no store " + std::string(name));
  const graph::StoreSpec& spec = self.topology.graph().store(name);
  if (spec.key_type && spec.value_type && (*spec.key_type != key || *spec.value_type != value)) {
    throw std::invalid_argument("store " + std::string(name) +
                                " was made with other key or value types");
  }
  return *found;
}

std::vector<std::string> TestDriverCore::topics() {
  Implementation& self = *implementation_;
  std::vector<std::string> topics;
  for (std::string& topic : self.log.topics()) {
    bool any = false;
    for (std::int32_t i = 0; i < self.log.partitions(topic).value_or(0); ++i) {
      any = any || self.log.end_offset(topic, Partition(i)) > Offset(0);
    }
    if (any) topics.push_back(std::move(topic));
  }
  return topics;
}

std::map<std::string, std::int64_t> TestDriverCore::dropped_records() {
  return implementation_->worker->tasks().dropped();
}

TestCounts TestDriverCore::counts() const {
  const Implementation& self = *implementation_;
  const auto& counts = self.log.counts();
  return {.commits = counts.commits,
          .aborts = counts.aborts + counts.delivery_failures,
          .fences = counts.fences,
          .unknown_outcomes = counts.unknown_outcomes,
          .revocations = counts.revocations + counts.losses,
          .evictions = self.evictions_before + self.worker->counts().evictions,
          .disk_reads = self.disk ? self.disk->reads() : 0};
}

Timestamp TestDriverCore::wall_clock_time() const { return implementation_->clock.now(); }

void TestDriverCore::on_transaction_end(std::function<void(bool committed)> f) {
  implementation_->transaction_end = std::move(f);
}

}  // namespace millrace::detail
