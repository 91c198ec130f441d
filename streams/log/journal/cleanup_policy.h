// What a topic's configuration says about keeping its records: Kafka's keys and defaults.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "millrace/time.h"

namespace millrace::log::journal {

struct CleanupPolicy {
  bool compacts = false;                          // cleanup.policy
  bool deletes = true;                            // cleanup.policy
  std::int64_t retention_ms = 604'800'000;        // negative: for ever
  std::int64_t retention_bytes = -1;              // negative: any number
  std::int64_t delete_retention_ms = 86'400'000;  // of tombstones, once they were compacted
  std::int64_t min_compaction_lag_ms = 0;
  double min_dirty_ratio = 0.5;  // min.cleanable.dirty.ratio
};

// REQUIRES: the configuration was checked when the topic was made.
CleanupPolicy cleanup_policy(const std::map<std::string, std::string>& config);

}  // namespace millrace::log::journal
