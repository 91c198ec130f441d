#include "rocks/rocks_options.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>

#include <charconv>
#include <utility>

#include "rocks/exceptions.h"

// There in builds with assertions only; null in others.
extern "C" __attribute__((weak)) void* _ZN7rocksdb9SyncPoint11GetInstanceEv();

namespace millrace::state::rocks {

namespace {

// RocksDB's own log: its lines hold keys at times, and what matters reaches us as a status.
class SilentLogger final : public rocksdb::Logger {
 public:
  SilentLogger() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

SharedResources::SharedResources(std::size_t cache_bytes, std::size_t write_buffer_bytes,
                                 RocksDbOptions hook_of_user, const Clock& clock_of_host,
                                 std::shared_ptr<rocksdb::FileSystem> below)
    : read_errors(std::make_shared<ReadErrors>()),
      file_system(std::make_shared<GuardedFileSystem>(
          below ? std::move(below) : rocksdb::FileSystem::Default(), read_errors)),
      env(rocksdb::NewCompositeEnv(file_system)),
      cache(rocksdb::NewLRUCache(cache_bytes)),
      write_buffers(std::make_shared<rocksdb::WriteBufferManager>(write_buffer_bytes)),
      hook(std::move(hook_of_user)),
      clock(clock_of_host) {}

std::size_t SharedResources::memory_bytes() const {
  return cache->GetUsage() + write_buffers->memory_usage();
}

rocksdb::DBOptions database_options(const SharedResources& shared) {
  rocksdb::DBOptions options;
  options.env = shared.env.get();
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.info_log = std::make_shared<SilentLogger>();
  options.write_buffer_manager = shared.write_buffers;
  // What is not flushed comes again from the changelog; closing flushes by itself, where it says so.
  options.avoid_flush_during_shutdown = true;
  options.max_background_jobs = 2;
  options.max_file_opening_threads = 2;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  // 4 MiB for each database otherwise.
  options.manifest_preallocation_size = 64 << 10;
  options.max_manifest_file_size = 16 << 20;
  return options;
}

Result<rocksdb::ColumnFamilyOptions> family_options(const SharedResources& shared,
                                                    std::string_view store, bool is_store) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = 16 << 20;
  options.max_write_buffer_number = 3;
  // An eighth of the write buffer otherwise: 256 families held 512 MB and a write cost 69 µs.
  options.arena_block_size = 64 << 10;
  options.compression = rocksdb::kNoCompression;
  // Segments expire by whole files: small ones let more of them go.
  options.target_file_size_base = 16 << 20;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = shared.cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  if (!shared.hook || !is_store) return options;
  const auto* const comparator = options.comparator;
  try {
    shared.hook(store, options);
  } catch (...) {
    return Status::fatal("the rocksdb hook of the configuration threw for store " +
                         std::string(store) + ": " + status_of_current_exception().message() +
                         ". Nothing was opened");
  }
  const char* changed = nullptr;
  if (options.comparator != comparator) changed = "comparator";
  if (options.merge_operator) changed = "merge operator";
  if (options.compaction_filter || options.compaction_filter_factory) changed = "compaction filter";
  if (!options.cf_paths.empty()) changed = "paths";
  if (!changed) return options;
  return Status::fatal("the rocksdb hook of the configuration changes the " + std::string(changed) +
                       " of store " + std::string(store) +
                       ": that decides what is stored, and must stay. Nothing was opened");
}

rocksdb::WriteOptions write_options() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

rocksdb::ReadOptions read_options() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.total_order_seek = true;
  options.background_purge_on_iterator_cleanup = true;
  return options;
}

int linked_version() {
  const std::string text = rocksdb::GetRocksVersionAsString(true);
  int parts[3] = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int& part : parts) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc{}) break;
    at = next == end ? end : next + 1;
  }
  return parts[0] * 10000 + parts[1] * 100 + parts[2];
}

bool linked_with_assertions() { return &_ZN7rocksdb9SyncPoint11GetInstanceEv != nullptr; }

std::vector<LogLine> about_linked_version(int version, bool assertions) {
  const std::string name = "RocksDB " + std::to_string(version / 10000) + '.' +
                           std::to_string(version / 100 % 100) + '.' +
                           std::to_string(version % 100);
  std::vector<LogLine> lines = {{LogLevel::kInfo, "stores on disk: " + name}};
  if (assertions) {
    lines.push_back(
        {LogLevel::kWarning, name + " is built with assertions: reads from disk take up to "
                                    "twice as long; a build with NDEBUG does not"});
  }
  if (version < kFirstHonestScan) {
    lines.push_back({LogLevel::kWarning, name + " can end a scan early without an error when the "
                                                "beginning of a file is damaged (mended "
                                                "in 8.7.0): the beginning of every file is read at "
                                                "each opening, all of every file after "
                                                "a crash, and a read that fails stops the task"});
  }
  return lines;
}

void measure_nothing() {
  thread_local const bool once = [] {
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    return true;
  }();
  static_cast<void>(once);
}

Status to_status(const rocksdb::Status& status) {
  if (status.ok()) return Status::success();
  const bool may_pass = (status.IsIOError() || status.IsBusy() || status.IsTimedOut() ||
                         status.IsTryAgain() || status.IsIncomplete()) &&
                        status.severity() < rocksdb::Status::Severity::kFatalError;
  return may_pass ? Status::retry(status.ToString()) : Status::fatal(status.ToString());
}

}  // namespace millrace::state::rocks
