// A topic's configuration: Kafka's keys, checked as a broker checks them, and what of it the memory
// log acts upon.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "millrace/result.h"

namespace millrace::log::memory {

struct TopicConfig {
  std::int64_t max_message_bytes = 1'048'588;  // Kafka's default of max.message.bytes
  // message.timestamp.after.max.ms and .before.max.ms, where they are set. A broker's default
  // allows one hour ahead; here virtual clocks stand at any time, so that the default is no limit.
  std::optional<std::int64_t> most_ahead_ms = std::nullopt;
  std::optional<std::int64_t> most_behind_ms = std::nullopt;
  bool compacted = false;      // cleanup.policy has "compact"
  bool deletes = true;         // cleanup.policy has "delete"
  bool stamps_itself = false;  // message.timestamp.type=LogAppendTime
};

// Errors: fatal, an unknown key or a value that the key does not take.
Result<TopicConfig> parse_topic_config(const std::map<std::string, std::string>& config);

}  // namespace millrace::log::memory
