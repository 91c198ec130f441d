#include "local_state.h"

#include <algorithm>
#include <utility>

#include "log/journal/journal_options.h"
#include "millrace/detail/assert.h"
#include "millrace/embedded_log.h"
#include "millrace/error.h"

namespace millrace {

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::size_t memory_limit(const StreamsConfig& config) {
  return config.state_memory_bytes > 0 ? static_cast<std::size_t>(config.state_memory_bytes)
                                       : state::default_memory_limit();
}

// State belongs to the log that it came from: where that is a directory, it lies there and is moved and
// deleted with it.
std::filesystem::path state_directory(const StreamsConfig& config) {
  if (!config.state_dir.empty()) return config.state_dir;
  if (config.embedded_log != nullptr)
    return std::filesystem::path(config.embedded_log->directory()) / "state";
  if (log::journal::is_embedded(config.bootstrap_servers)) {
    return std::filesystem::path(
               log::journal::embedded_directory(config.bootstrap_servers).value()) /
           "state";
  }
  auto usual = state::default_state_directory();
  if (!usual.ok()) throw StoppedError(usual.status().message());
  return std::move(usual.value());
}

}  // namespace

bool has_stores_on_disk(const graph::BuiltGraph& graph) {
  return std::any_of(
      graph.subtopologies().begin(), graph.subtopologies().end(), [&](const auto& s) {
        return std::any_of(s.stores.begin(), s.stores.end(), [&](const std::string& name) {
          return graph.store(name).persistent && graph.store(name).logged;
        });
      });
}

LocalState::LocalState(const graph::BuiltGraph& graph, const StreamsConfig& config)
    : on_disk_(has_stores_on_disk(graph)), config_(config), memory_(memory_limit(config)) {}

LocalState::~LocalState() {
  if (host_ && !host_->wait_closed(Duration{0})) host_->abandon();
}

void LocalState::open() {
  if (!on_disk_) return;
  const std::filesystem::path directory = state_directory(config_);
  state::RocksHostOptions options;
  options.directory = std::filesystem::absolute(directory) / config_.application_id;
  // Of what is read and written, RocksDB's part is small: cells in memory are the cache.
  options.cache_bytes = std::clamp(memory_.limit() / 16, 8 * kMiB, 64 * kMiB);
  options.write_buffer_bytes = std::clamp(memory_.limit() / 8, 16 * kMiB, 256 * kMiB);
  options.collect_bytes = std::clamp(memory_.limit() / 16, 4 * kMiB, 64 * kMiB);
  options.rocksdb = config_.rocksdb;
  options.budget = &memory_;
  options.logger = config_.logger;
  auto opened = state::RocksDiskHost::open(std::move(options));
  if (!opened.ok()) throw StoppedError(opened.status().message());
  host_ = std::move(opened.value());
}

bool LocalState::wait_closed(Duration timeout) { return !host_ || host_->wait_closed(timeout); }

std::unique_ptr<state::TaskDisk> LocalState::open_task(state::TaskDiskSpec spec,
                                                       std::function<void()> wake) {
  MILLRACE_ASSERT(host_ != nullptr, "a task wants its disk before the application is started");
  return host_->open_task(std::move(spec), std::move(wake));
}

std::size_t LocalState::memory_bytes() const { return host_ ? host_->memory_bytes() : 0; }

}  // namespace millrace
