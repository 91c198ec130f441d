// The last word on how RocksDB keeps a store, for those who know RocksDB better than we know their
// load. Most programs need none of this.
//
//   #include <millrace/rocksdb_options.h>
//   #include <rocksdb/options.h>            // yours: no header of millrace includes it
//
//   config.rocksdb = [](std::string_view store, rocksdb::ColumnFamilyOptions& options) {
//     if (store == "sessions") options.compression = rocksdb::kZSTD;
//   };
#pragma once

#include <functional>
#include <string_view>

namespace rocksdb {
struct ColumnFamilyOptions;
}

namespace millrace {

// Called once for each store that is opened, with the options that millrace would use; what it
// changes holds. It may be called on any thread, one call at a time, and for stores that the topology
// has no more.
// REQUIRES: it leaves the comparator, the merge operator, the compaction filter and the paths alone:
// they decide what is stored, not how. A store for which it does not is not opened, and says so.
// A block cache of its own is not part of state.memory.bytes.
using RocksDbOptions =
    std::function<void(std::string_view store, rocksdb::ColumnFamilyOptions& options)>;

}  // namespace millrace
