#include "millrace/streams.h"

#include <algorithm>
#include <array>
#include <utility>

#include "client.h"
#include "local_state.h"
#include "log/open_log.h"
#include "millrace/clock.h"
#include "signal_watch.h"

namespace millrace {

namespace {

// Less than the 30 s that Kubernetes leaves between SIGTERM and SIGKILL.
constexpr Duration kCloseTimeout{25'000};
// How soon a signal, or the end, is noticed.
constexpr Duration kLongestWait{200};
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

worker::WorkerOptions worker_options(const StreamsConfig& config, LocalState& state) {
  worker::WorkerOptions options;
  options.disks = state.disks();
  options.memory = &state.memory();
  options.application_id = config.application_id;
  options.commit_interval = config.commit_interval;
  options.transaction_timeout = config.transaction_timeout;
  options.max_task_idle = config.max_task_idle;
  options.admin_patience = config.default_api_timeout;
  options.offset_reset = to_worker(config.auto_offset_reset);
  options.buffered_records_per_partition =
      static_cast<std::size_t>(config.buffered_records_per_partition);
  options.max_fences_per_minute = kFencesPerMinute;
  options.errors = config.errors;
  return options;
}

StreamsConfig checked(StreamsConfig config) {
  config.validate();
  if (!config.logger) config.logger = &stderr_logger();
  return config;
}

}  // namespace

struct Streams::Implementation {
  Implementation(Topology built, StreamsConfig wanted)
      : topology(std::move(built)),
        config(checked(std::move(wanted))),
        log(log::open_log(config)),
        local_state(topology.graph(), config),
        client(
            {.threads = config.num_stream_threads, .worker = worker_options(config, local_state)},
            {topology.graph(), *log, SystemClock::instance(), *config.logger}) {}

  // All threads first, then what they left to be written.
  bool close(Duration timeout) {
    const Duration until = SystemClock::instance().monotonic() + timeout;
    if (!client.close(timeout)) return false;
    return local_state.wait_closed(
        std::max(Duration{0}, until - SystemClock::instance().monotonic()));
  }

  void tell_what_is_open() const {
    const std::string threads = client.still_open();
    config.logger->error("not closed in time, and not waited for any longer: " +
                         (threads.empty() ? "state that is being written to disk" : threads) +
                         ". What is open is aborted by the log, and read again at the next start");
  }

  const Topology topology;
  const StreamsConfig config;
  const std::shared_ptr<log::Log> log;
  LocalState local_state;
  Client client;
};

Streams::Streams(Topology topology, StreamsConfig config)
    : implementation_(std::make_unique<Implementation>(std::move(topology), std::move(config))) {}

Streams::~Streams() {
  if (is_running_or_rebalancing(state())) close(kCloseTimeout);
}

void Streams::start() {
  if (state() == State::kCreated) implementation_->local_state.open();
  implementation_->client.start();
}

int Streams::run() {
  SignalWatch signals;
  start();
  while (is_running_or_rebalancing(state()) && !signals.wait(kLongestWait)) {
  }
  const Clock& clock = SystemClock::instance();
  const Duration until = clock.monotonic() + kCloseTimeout;
  bool orderly = implementation_->close(kLongestWait);
  while (!orderly && clock.monotonic() < until && !signals.wait(Duration{0}))
    orderly = implementation_->close(kLongestWait);
  if (!orderly) implementation_->tell_what_is_open();
  return orderly && state() == State::kClosed ? 0 : 1;
}

bool Streams::close(Duration timeout) {
  if (implementation_->client.on_own_thread()) timeout = Duration{0};
  const bool closed = implementation_->close(timeout);
  if (!closed && timeout > Duration{0}) implementation_->tell_what_is_open();
  return closed;
}

void Streams::pause() { implementation_->client.set_paused(true); }
void Streams::resume() { implementation_->client.set_paused(false); }
bool Streams::is_paused() const { return implementation_->client.paused(); }

std::optional<std::string> Streams::add_thread() { return implementation_->client.add_thread(); }
std::optional<std::string> Streams::remove_thread() {
  return implementation_->client.remove_thread();
}

Streams::State Streams::state() const { return implementation_->client.state(); }
std::string Streams::failure() const { return implementation_->client.failure(); }

void Streams::on_state_change(StateListener listener) {
  implementation_->client.on_state_change(std::move(listener));
}
void Streams::on_restore(RestoreListener& listener) {
  implementation_->client.on_restore(listener);
}

Streams::Progress Streams::progress() const { return implementation_->client.progress(); }

std::string_view to_string(Streams::State state) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "Created", "Rebalancing", "Running", "Closing", "Closed", "Failing", "Failed"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace millrace
