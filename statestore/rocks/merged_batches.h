// Several batches of one table as one write: of each key the newest, in the order of keys; what a
// later batch drops is left out of it.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "millrace/detail/disk_table.h"
#include "rocks/table_format.h"

namespace millrace::state::rocks {

// Looks at the batches: they stay as they are while it is used.
struct MergedBatches {
  // To be dropped from the disk before the entries are written.
  std::vector<CommitBatch::Range> drops;
  std::map<std::string_view, OptionalBytesView> facts;
  std::vector<CommitBatch::Entry> entries;  // in the order of keys
  std::size_t entry_bytes = 0;              // of keys and values
  StoredOffset offset;                      // kNoOffset: as it was
  Timestamp complete_as_of = kNoTimestamp;  // kNoTimestamp: as it was
};

// REQUIRES: in the order of submit().
MergedBatches merge(const std::vector<const CommitBatch*>& batches);

}  // namespace millrace::state::rocks
