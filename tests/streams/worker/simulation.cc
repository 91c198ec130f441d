#include "streams/worker/simulation.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

namespace millrace::worker {

namespace {
constexpr int kRounds = 400;
constexpr std::size_t kMostWorkers = 3;
}  // namespace

Simulation::Simulation(Topology topology, std::uint64_t seed, Workers workers, Disks disks)
    : topology_(std::move(topology)),
      workers_(workers),
      keeps_(disks),
      random_(seed * 2 + 1),
      log_(clock_, {.hostile = log::memory::HostileOptions::everything(seed),
                    .accept_unfenced_offsets = workers == Workers::kThreads}),
      input_(kPartitions) {
  for (const std::string& topic : graph::external_topics(topology_.graph()))
    log_.create_topic({topic, kPartitions, {}});
  start_process();
}

Simulation::~Simulation() = default;

// splitmix64: the same numbers everywhere.
std::uint64_t Simulation::below(std::uint64_t n) {
  std::uint64_t z = (random_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (z ^ (z >> 31)) % n;
}

// As many threads as there ever were, so that each id is taken over that may have left something open.
void Simulation::start_process() {
  if (workers_ == Workers::kProcesses) {
    start("app-0");
    return;
  }
  members_.clear();
  process_ = std::make_unique<ProcessLog>(log_);
  for (int n = 1; n <= most_threads_; ++n) start("app-" + std::to_string(n), most_threads_);
}

std::string Simulation::new_id() {
  if (workers_ == Workers::kProcesses) return "app-" + std::to_string(++names_);
  int n = 0;
  std::string id;
  do {
    id = "app-" + std::to_string(++n);
  } while (std::ranges::any_of(members_, [&](const Member& m) { return m.id == id; }));
  most_threads_ = std::max(most_threads_, n);
  return id;
}

// Before that nobody of a process's start may go: the others wait for it.
bool Simulation::all_took_over() const {
  return workers_ == Workers::kProcesses ||
         std::ranges::all_of(members_, [](const Member& m) { return m.worker->took_over(); });
}

// A process dies without a word; a thread that fails is replaced.
void Simulation::kill(Member& member) {
  ++deaths_;
  if (workers_ == Workers::kProcesses) {
    const std::string id = member.id;
    if (const auto disk = disks_.find(id); disk != disks_.end()) disk->second->crash();
    members_.erase(members_.begin() + (&member - members_.data()));
    start(id);
    return;
  }
  start(member.id);
  // start() may have moved the members.
  Member fresh = std::move(members_.back());
  members_.pop_back();
  const auto same = std::ranges::find(members_, fresh.id, &Member::id);
  same->failed.push_back(std::exchange(same->worker, std::move(fresh.worker)));
}

void Simulation::start(const std::string& id, int workers_at_start) {
  WorkerOptions options;
  options.application_id = "app";
  options.transactional_id = id;
  options.workers_at_start = workers_at_start;
  options.commit_interval = Duration(static_cast<int>(20 + below(100)));
  options.max_records_per_step = 1 + below(5);
  options.buffered_records_per_partition = 4 + below(20);
  options.forget_typed_values = true;
  options.rehearse_steps = below(3) == 0;
  if (keeps_ == Disks::kOfEachProcess) {
    auto& disk = disks_[id];
    if (!disk)
      disk = std::make_unique<state::MemoryDiskHost>(state::MemoryDiskOptions{below(1000)});
    options.disks = disk.get();
    options.memory = &memory_;
  }
  const char* wanted = std::getenv("MILLRACE_SIMULATION");
  const bool only_one = wanted && std::strchr(wanted, '-') == nullptr;
  Logger& logger = only_one ? stderr_logger() : null_logger();
  log::Log& log = process_ ? static_cast<log::Log&>(*process_) : log_;
  members_.push_back(
      {id, std::make_unique<Worker>(topology_.graph(), std::move(options), log, clock_, logger)});
}

void Simulation::put() {
  const auto p = static_cast<std::int32_t>(below(kPartitions));
  const std::string value = std::string(1, static_cast<char>('a' + below(5)));
  const std::string key = std::to_string(p);
  const bool dropped = below(15) == 0;
  log::OutgoingRecord record{.value = value,
                             .timestamp = from_ms(static_cast<std::int64_t>(records_ + below(40)))};
  if (!dropped) record.key = key;
  ++records_;
  static_cast<void>(log_.append("in", Partition(p), record));
  if (!dropped) input_[static_cast<std::size_t>(p)].push_back(value);
}

void Simulation::something_happens() {
  for (auto n = below(4); n > 0; --n) put();
  switch (below(40)) {
    case 0:  // one dies; its next life has the same id
    case 1:
      kill(members_[below(members_.size())]);
      break;
    case 2:
    case 3:
      if (members_.size() < kMostWorkers) start(new_id());
      break;
    case 4:
      if (members_.size() > 1 && all_took_over()) members_[below(members_.size())].worker->close();
      break;
    case 5:
      clock_.advance(Duration(static_cast<int>(below(12'000))));
      break;
    case 6:
      if (workers_ == Workers::kThreads && below(2) == 0) {
        ++process_deaths_;
        start_process();
      }
      break;
    default:
      clock_.advance(Duration(static_cast<int>(below(30))));
  }
}

bool Simulation::step() {
  bool moved = false;
  if (keeps_ == Disks::kOfEachProcess && below(4) == 0) others_.set(below(2) == 0 ? 0 : kMemory);
  for (Member& member : members_) {
    if (below(3) > 0) moved = member.worker->step() || moved;
    if (member.worker->took_over()) member.failed.clear();
    note(static_cast<std::uint64_t>(member.worker->counts().records));
    note(static_cast<std::uint64_t>(member.worker->transaction().state()));
    if (member.worker->state() == WorkerState::kFailed && failure_.empty())
      failure_ = member.id + " stopped: " + member.worker->failure();
  }
  std::erase_if(members_,
                [](const Member& m) { return m.worker->state() == WorkerState::kClosed; });
  if (members_.empty()) start_process();
  moved = log_.step() || moved;
  return moved;
}

std::int64_t Simulation::evictions() const {
  std::int64_t sum = 0;
  for (const Member& member : members_) sum += member.worker->counts().evictions;
  return sum;
}

void Simulation::wait() {
  std::optional<Duration> next;
  const auto consider = [&](std::optional<Duration> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  for (const Member& member : members_) consider(member.worker->next_timer());
  if (const auto due = log_.next_due()) consider(due->time_since_epoch());
  if (next && *next > clock_.monotonic()) clock_.advance(*next - clock_.monotonic());
}

bool Simulation::done() {
  return std::all_of(members_.begin(), members_.end(),
                     [](const Member& m) { return m.worker->quiet(); }) &&
         not_at_rest().empty();
}

std::string Simulation::run() {
  for (int round = 0; round < kRounds && failure_.empty(); ++round) {
    something_happens();
    for (auto n = below(12); n > 0; --n) step();
  }
  int idle = 0;
  for (int i = 0; failure_.empty() && !(idle > 20 && done()); ++i) {
    idle = step() ? 0 : idle + 1;
    if (idle > 20) wait();
    if (i > 300'000) failure_ = "it never comes to rest: " + not_at_rest();
  }
  return failure_;
}

std::vector<log::memory::StoredRecord> Simulation::committed(const std::string& topic,
                                                             std::int32_t p) const {
  return log_.read_all(topic, Partition(p), log::Isolation::kReadCommitted);
}

std::string Simulation::not_at_rest() const {
  for (const std::string& topic : log_.topics()) {
    for (std::int32_t p = 0; p < log_.partitions(topic).value_or(0); ++p) {
      const Offset end = log_.end_offset(topic, Partition(p));
      const std::string where = topic + "-" + std::to_string(p);
      if (log_.last_stable_offset(topic, Partition(p)) != end) return where + " has an open end";
      if (topic != "in" && !topic.ends_with("-repartition")) continue;
      const auto committed = log_.committed_offset("app", {topic, Partition(p)});
      const Offset next = std::max(committed.offset, log_.start_offset(topic, Partition(p)));
      const auto rest = log_.read(topic, Partition(p), next, log::Isolation::kReadCommitted);
      if (!committed.stable || !rest.empty()) return where + " is not committed to its end";
    }
  }
  return {};
}

void Simulation::note(std::uint64_t what) {
  trace_ = (trace_ ^ (what + static_cast<std::uint64_t>(clock_.monotonic().count()))) *
           std::uint64_t{1099511628211};
}

}  // namespace millrace::worker
