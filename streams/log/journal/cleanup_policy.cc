#include "log/journal/cleanup_policy.h"

#include <charconv>

namespace millrace::log::journal {

namespace {

template <class T>
void take(const std::map<std::string, std::string>& config, const std::string& key, T& value) {
  const auto found = config.find(key);
  if (found == config.end()) return;
  const std::string& text = found->second;
  T read{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), read);
  if (result.ec == std::errc()) value = read;
}

}  // namespace

CleanupPolicy cleanup_policy(const std::map<std::string, std::string>& config) {
  CleanupPolicy policy;
  if (const auto found = config.find("cleanup.policy"); found != config.end()) {
    policy.compacts = found->second.find("compact") != std::string::npos;
    policy.deletes = found->second.find("delete") != std::string::npos;
  }
  take(config, "retention.ms", policy.retention_ms);
  take(config, "retention.bytes", policy.retention_bytes);
  take(config, "delete.retention.ms", policy.delete_retention_ms);
  take(config, "min.compaction.lag.ms", policy.min_compaction_lag_ms);
  take(config, "min.cleanable.dirty.ratio", policy.min_dirty_ratio);
  return policy;
}

}  // namespace millrace::log::journal
