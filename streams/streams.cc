#include "millrace/streams.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <mutex>
#include <thread>
#include <utility>

#include "log/kafka/kafka_log.h"
#include "millrace/clock.h"
#include "millrace/error.h"
#include "worker/worker.h"

namespace millrace {

namespace {

// A close() or a signal is noticed within this.
constexpr Duration kLongestWait{100};
constexpr Duration kCloseTimeout{30'000};
// Two live processes with one transactional.id take it from each other in turn.
constexpr int kFencesPerMinute = 5;

worker::OffsetReset to_worker(AutoOffsetReset reset) {
  switch (reset) {
    case AutoOffsetReset::kEarliest:
      return worker::OffsetReset::kEarliest;
    case AutoOffsetReset::kLatest:
      return worker::OffsetReset::kLatest;
    case AutoOffsetReset::kNone:
      return worker::OffsetReset::kNone;
  }
  return worker::OffsetReset::kEarliest;
}

worker::WorkerOptions worker_options(const StreamsConfig& config) {
  worker::WorkerOptions options;
  options.application_id = config.application_id;
  // One worker per application for now, so its id needs no number of a process: a restart takes the
  // id over at once and ends what the dead one left open.
  options.transactional_id = config.application_id + "-1";
  options.commit_interval = config.commit_interval;
  options.transaction_timeout = config.transaction_timeout;
  options.max_task_idle = config.max_task_idle;
  options.admin_patience = config.default_api_timeout;
  options.offset_reset = to_worker(config.auto_offset_reset);
  options.buffered_records_per_partition =
      static_cast<std::size_t>(config.buffered_records_per_partition);
  options.max_fences_per_minute = kFencesPerMinute;
  return options;
}

log::KafkaLogOptions log_options(const StreamsConfig& config) {
  return {.bootstrap_servers = config.bootstrap_servers,
          .properties = config.properties,
          .client_id = config.application_id,
          .operation_deadline = std::min(Duration(10'000), config.default_api_timeout)};
}

StreamsConfig checked(StreamsConfig config) {
  config.validate();
  if (!config.logger) config.logger = &stderr_logger();
  return config;
}

}  // namespace

struct Streams::Implementation {
  Implementation(Topology built, StreamsConfig wanted)
      : topology(std::move(built)), config(checked(std::move(wanted))), log(log_options(config)) {}

  // The worker's thread. Everything of the worker happens here.
  void loop() {
    try {
      worker::Worker worker(topology.graph(), worker_options(config), log, SystemClock::instance(),
                            *config.logger);
      while (!worker.finished()) {
        if (close_requested.load()) worker.close();
        const bool moved = worker.step();
        tell(worker);
        if (moved) continue;
        Duration wait = kLongestWait;
        if (const auto next = worker.next_timer()) {
          wait = std::clamp(*next - SystemClock::instance().monotonic(), Duration{0}, kLongestWait);
        }
        worker.inbox().wait(wait);
      }
      finish(worker.failure());
    } catch (const std::exception& e) {
      finish(std::string("an error of the engine: ") + e.what());
    }
  }

  void tell(const worker::Worker& worker) {
    records.store(worker.counts().records, std::memory_order_relaxed);
    commits.store(worker.transaction().counts().commits, std::memory_order_relaxed);
    aborts.store(worker.transaction().counts().aborts, std::memory_order_relaxed);
  }

  void finish(const std::string& why) {
    const std::lock_guard lock(mutex);
    failure = why;
    state = why.empty() ? State::kClosed : State::kFailed;
    changed.notify_all();
  }

  bool over() const {
    return state == State::kClosed || state == State::kFailed;
  }  // REQUIRES: mutex held

  const Topology topology;
  const StreamsConfig config;
  log::KafkaLog log;
  std::atomic<bool> close_requested{false};
  std::atomic<std::int64_t> records{0};
  std::atomic<std::int64_t> commits{0};
  std::atomic<std::int64_t> aborts{0};

  mutable std::mutex mutex;
  std::condition_variable changed;
  State state = State::kCreated;  // guarded by mutex
  std::string failure;            // guarded by mutex
  std::thread thread;             // made by start(), joined by the destructor
};

Streams::Streams(Topology topology, StreamsConfig config)
    : implementation_(std::make_unique<Implementation>(std::move(topology), std::move(config))) {}

Streams::~Streams() {
  implementation_->close_requested = true;
  if (implementation_->thread.joinable()) implementation_->thread.join();
}

void Streams::start() {
  Implementation& self = *implementation_;
  const std::lock_guard lock(self.mutex);
  if (self.state != State::kCreated) throw StoppedError("Streams can be started once");
  self.state = State::kRunning;
  self.thread = std::thread([&self] { self.loop(); });
}

int Streams::run() {
  Implementation& self = *implementation_;
  // Blocked before any thread starts, so that all of them inherit it and only this one is told.
  sigset_t signals;
  sigset_t before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &before);
  start();
  const timespec a_while{0, 200'000'000};
  while (state() == State::kRunning) {
    if (sigtimedwait(&signals, nullptr, &a_while) > 0) break;
  }
  const bool orderly = close(kCloseTimeout);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!orderly)
    self.config.logger->error("not closed within 30 s: the broker will abort what is open");
  return orderly && state() == State::kClosed ? 0 : 1;
}

bool Streams::close(Duration timeout) {
  Implementation& self = *implementation_;
  std::unique_lock lock(self.mutex);
  if (self.state == State::kCreated) {
    self.state = State::kClosed;
    return true;
  }
  if (!self.over()) self.state = State::kClosing;
  self.close_requested = true;
  return self.changed.wait_for(lock, timeout, [&self] { return self.over(); });
}

Streams::State Streams::state() const {
  const std::lock_guard lock(implementation_->mutex);
  return implementation_->state;
}

std::string Streams::failure() const {
  const std::lock_guard lock(implementation_->mutex);
  return implementation_->failure;
}

Streams::Progress Streams::progress() const {
  return {implementation_->records.load(std::memory_order_relaxed),
          implementation_->commits.load(std::memory_order_relaxed),
          implementation_->aborts.load(std::memory_order_relaxed)};
}

}  // namespace millrace
