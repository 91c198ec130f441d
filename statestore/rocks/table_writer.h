// Writes what batches changed into a store's column family, data first, then the changelog offset
// (ENGINE §6).
#pragma once

#include <cstddef>

#include "millrace/result.h"
#include "rocks/merged_batches.h"
#include "rocks/task_database.h"

namespace millrace::state::rocks {

// Effect: writes it. Few bytes go through the memtable, with the offset behind them in the same
// order; from `ingest_from` on they become sorted files that RocksDB takes as they are, and the offset
// is put and flushed after that. A crash anywhere in between leaves the offset as it was and some of
// the entries: replay brings the same once more.
// Errors: kRetry or kFatal, as they came from RocksDB; nothing is lost, it may be written again.
Status write(TaskDatabase& database, const Family& family, const MergedBatches& merged,
             std::size_t ingest_from);

}  // namespace millrace::state::rocks
