// How RocksDB is used: what all databases of a process share, and the options of a database and of a
// store's column family. Each choice has a measured reason (the numbers are with each).
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_buffer_manager.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/clock.h"
#include "millrace/logging.h"
#include "millrace/result.h"
#include "millrace/rocksdb_options.h"
#include "rocks/guarded_file_system.h"

namespace millrace::state::rocks {

// One for all databases of a process. Immutable, but for what RocksDB keeps in it; outlives them.
struct SharedResources {
  std::shared_ptr<ReadErrors> read_errors;
  std::shared_ptr<GuardedFileSystem> file_system;
  std::unique_ptr<rocksdb::Env> env;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  RocksDbOptions hook;
  const Clock& clock;

  // `below`: the file system of the machine where it is null.
  SharedResources(std::size_t cache_bytes, std::size_t write_buffer_bytes, RocksDbOptions hook,
                  const Clock& clock, std::shared_ptr<rocksdb::FileSystem> below);

  std::size_t memory_bytes() const;
};

rocksdb::DBOptions database_options(const SharedResources& shared);

// Effect: ours, then the hook's, for a family of a store. Errors: kFatal if the hook changed what it
// must not.
Result<rocksdb::ColumnFamilyOptions> family_options(const SharedResources& shared,
                                                    std::string_view store, bool is_store);

// Of everything that is applied: what is lost with a crash comes again from the changelog.
rocksdb::WriteOptions write_options();
// Of every read: checksums are looked at, and order holds whatever the hook says of prefixes.
rocksdb::ReadOptions read_options();

// The version that is linked, which may be another than that of the headers: 7.8.3 is 70803.
int linked_version();
// Whether this build of RocksDB checks its assertions (Debian's does): 1.1 to 2.2 times slower.
bool linked_with_assertions();
// The oldest version that ends no scan early without a word.
inline constexpr int kFirstHonestScan = 80700;

struct LogLine {
  LogLevel level;
  std::string text;
};
// What to say at start about the version that is linked.
std::vector<LogLine> about_linked_version(int version, bool assertions);

// Effect: RocksDB measures nothing in this thread: on Debian's build that takes a fifth of the time
// of every read. Cheap when called again.
void measure_nothing();

// RocksDB's words as a status: kRetry for what may pass (no space, busy), kFatal for the rest.
Status to_status(const rocksdb::Status& status);

}  // namespace millrace::state::rocks
