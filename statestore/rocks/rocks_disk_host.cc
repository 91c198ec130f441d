#include "millrace/detail/rocks_disk_host.h"

#include <pwd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "millrace/detail/assert.h"
#include "rocks/applier.h"
#include "rocks/opener.h"
#include "rocks/rocks_table.h"
#include "rocks/state_directory.h"

namespace millrace::state {

using rocks::Applier;
using rocks::OpenTask;

Result<std::filesystem::path> default_state_directory() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/') {
    return std::filesystem::path(state) / "millrace";
  }
  const char* home = std::getenv("HOME");
  if (!home || *home != '/') {
    const passwd* user = ::getpwuid(::geteuid());
    home = user ? user->pw_dir : nullptr;
  }
  if (home && *home == '/') return std::filesystem::path(home) / ".local/state/millrace";
  return Status::fatal("there is no home directory to keep state in: say where with state.dir");
}

struct RocksDiskHost::Core {
  Core(RocksHostOptions given, rocks::StateDirectory held)
      : options(std::move(given)),
        logger(options.logger ? *options.logger : null_logger()),
        directory(std::move(held)),
        shared(options.cache_bytes, options.write_buffer_bytes, options.rocksdb,
               options.clock ? *options.clock : SystemClock::instance(), options.file_system),
        applier(
            {options.collect_for, options.collect_bytes, options.ingest_from, options.retry_after},
            options.budget, logger),
        opener(shared, applier, logger) {
    if (!options.budget) return;
    share.emplace(*options.budget, MemoryUse::kRocksDb);
    share->set(options.cache_bytes + options.write_buffer_bytes);
  }

  const RocksHostOptions options;
  Logger& logger;
  rocks::StateDirectory directory;
  rocks::SharedResources shared;
  // In this order: what opens hands over to what applies.
  Applier applier;
  rocks::Opener opener;
  std::optional<MemoryShare> share;
};

namespace {

class RocksTaskDisk final : public TaskDisk {
 public:
  RocksTaskDisk(rocks::Opener& opener, Applier& applier, std::shared_ptr<rocks::Opening> opening)
      : opener_(opener), applier_(applier), opening_(std::move(opening)) {}

  ~RocksTaskDisk() override {
    opening_->forget_waker();
    tables_.clear();
    opener_.release(opening_);
  }

  State state() const override { return opening_->state.load(std::memory_order_acquire); }
  const std::string& failure() const override { return opening_->failure; }

  DiskTable& table(std::string_view store) override {
    MILLRACE_ASSERT(state() == State::kOpen, "a table of a database that is not open");
    auto& table = tables_[std::string(store)];
    if (!table) {
      for (const auto& waiting : opening_->task->tables) {
        if (waiting->family->store != store) continue;
        table = std::make_unique<rocks::RocksTable>(applier_, *opening_->task->database, *waiting);
      }
      MILLRACE_ASSERT(table != nullptr, "a table of a store that the task does not have");
    }
    return *table;
  }

 private:
  rocks::Opener& opener_;
  Applier& applier_;
  const std::shared_ptr<rocks::Opening> opening_;
  std::map<std::string, std::unique_ptr<rocks::RocksTable>> tables_;
};

}  // namespace

Result<std::unique_ptr<RocksDiskHost>> RocksDiskHost::open(RocksHostOptions options) {
  Logger& logger = options.logger ? *options.logger : null_logger();
  auto directory = rocks::StateDirectory::open(options.directory, logger);
  if (!directory.ok()) return directory.status();
  for (const rocks::LogLine& line :
       rocks::about_linked_version(rocks::linked_version(), rocks::linked_with_assertions())) {
    logger.write(line.level, line.text);
  }
  auto core = std::make_unique<Core>(std::move(options), std::move(directory.value()));
  return std::unique_ptr<RocksDiskHost>(new RocksDiskHost(std::move(core)));
}

RocksDiskHost::RocksDiskHost(std::unique_ptr<Core> core) : core_(std::move(core)) {}

RocksDiskHost::~RocksDiskHost() { wait_closed(Duration::max()); }

std::unique_ptr<TaskDisk> RocksDiskHost::open_task(TaskDiskSpec spec, std::function<void()> wake) {
  const std::filesystem::path directory = core_->directory.task(spec.directory);
  return std::make_unique<RocksTaskDisk>(
      core_->opener, core_->applier,
      core_->opener.open(directory, std::move(spec), std::move(wake)));
}

std::size_t RocksDiskHost::memory_bytes() const {
  return core_->applier.waiting_bytes() + core_->shared.memory_bytes();
}

bool RocksDiskHost::wait_closed(Duration timeout) { return core_->opener.wait_closed(timeout); }

void RocksDiskHost::abandon() {
  core_->opener.stop();
  core_->applier.stop();
}

}  // namespace millrace::state
