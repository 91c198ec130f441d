// A topic's configuration: Kafka's keys, checked as a broker checks them, and what of it the logs of
// this process (memory, journal) act upon.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "log/admin.h"
#include "log/producer.h"
#include "millrace/result.h"

namespace millrace::log {

struct TopicConfig {
  std::int64_t max_message_bytes = 1'048'588;  // Kafka's default of max.message.bytes
  // message.timestamp.after.max.ms and .before.max.ms, where they are set. A broker's default
  // allows one hour ahead; here history is replayed and virtual clocks stand at any time, so that
  // the default is no limit.
  std::optional<std::int64_t> most_ahead_ms = std::nullopt;
  std::optional<std::int64_t> most_behind_ms = std::nullopt;
  bool compacted = false;  // cleanup.policy has "compact"
  std::int64_t delete_retention_ms = 86'400'000;
  bool deletes = true;         // cleanup.policy has "delete"
  bool stamps_itself = false;  // message.timestamp.type=LogAppendTime

  // As TopicDescription says.
  Duration deletions_kept() const {
    return compacted ? Duration(delete_retention_ms) : Duration::max();
  }

  // Whether check_record() and stamps need to know the time.
  bool needs_time() const { return stamps_itself || most_ahead_ms || most_behind_ms; }
};

// Errors: fatal, an unknown key or a value that the key does not take.
Result<TopicConfig> parse_topic_config(const std::map<std::string, std::string>& config);

// Errors: fatal, a name, a count of partitions or a configuration that a broker refuses.
Result<TopicConfig> check_new_topic(const NewTopic& topic);

// What a broker says to this record: success, or why it is refused (Consequence::kAbort). `now` is
// looked at if the configuration needs_time().
Status check_record(const TopicConfig& config, std::string_view topic, const OutgoingRecord& record,
                    Timestamp now);

}  // namespace millrace::log
