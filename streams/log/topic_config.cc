#include "log/topic_config.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <vector>

#include "log/record_size.h"

namespace millrace::log {

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMostInt = std::numeric_limits<std::int32_t>::max();

struct NumberKey {
  std::string_view key;
  std::int64_t least;
  std::int64_t most;
};
constexpr NumberKey kNumbers[] = {
    {"delete.retention.ms", 0, kMost},
    {"file.delete.delay.ms", 0, kMost},
    {"flush.messages", 1, kMost},
    {"flush.ms", 0, kMost},
    {"index.interval.bytes", 0, kMostInt},
    {"local.retention.bytes", -2, kMost},
    {"local.retention.ms", -2, kMost},
    {"max.compaction.lag.ms", 1, kMost},
    {"max.message.bytes", 0, kMostInt},
    {"message.timestamp.after.max.ms", 0, kMost},
    {"message.timestamp.before.max.ms", 0, kMost},
    {"min.compaction.lag.ms", 0, kMost},
    {"min.insync.replicas", 1, kMostInt},
    {"retention.bytes", std::numeric_limits<std::int64_t>::min(), kMost},
    {"retention.ms", -1, kMost},
    {"segment.bytes", 14, kMostInt},
    {"segment.index.bytes", 4, kMostInt},
    {"segment.jitter.ms", 0, kMost},
    {"segment.ms", 1, kMost},
};

struct WordKey {
  std::string_view key;
  std::vector<std::string_view> words;
};
const std::vector<WordKey>& word_keys() {
  static const std::vector<WordKey> keys = {
      {"compression.type", {"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}},
      {"message.timestamp.type", {"CreateTime", "LogAppendTime"}},
      {"preallocate", {"true", "false"}},
      {"remote.storage.enable", {"true", "false"}},
      {"unclean.leader.election.enable", {"true", "false"}},
  };
  return keys;
}

// Keys whose values make no difference here and are taken as they are.
constexpr std::string_view kTaken[] = {
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
    "min.cleanable.dirty.ratio",
};

Status refused(const std::string& key, const std::string& value) {
  return Status::fatal("invalid value '" + value + "' for the topic configuration " + key);
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

void apply_number(const std::string& key, std::int64_t value, TopicConfig& parsed) {
  if (key == "delete.retention.ms") parsed.delete_retention_ms = value;
  if (key == "max.message.bytes") parsed.max_message_bytes = value;
  if (key == "message.timestamp.after.max.ms") parsed.most_ahead_ms = value;
  if (key == "message.timestamp.before.max.ms") parsed.most_behind_ms = value;
}

// Effect: reads "compact", "delete" or both with a comma. Returns false where it is none of these.
bool apply_policy(std::string_view value, TopicConfig& parsed) {
  parsed.compacted = false;
  parsed.deletes = false;
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::string_view word = value.substr(0, comma);
    if (word != "compact" && word != "delete") return false;
    (word == "compact" ? parsed.compacted : parsed.deletes) = true;
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

Status apply(const std::string& key, const std::string& value, TopicConfig& parsed) {
  if (const auto* known = std::ranges::find(kNumbers, key, &NumberKey::key);
      known != std::end(kNumbers)) {
    const auto n = number(value);
    if (!n || *n < known->least || *n > known->most) return refused(key, value);
    apply_number(key, *n, parsed);
    return Status::success();
  }
  if (key == "cleanup.policy")
    return apply_policy(value, parsed) ? Status::success() : refused(key, value);
  const auto known = std::ranges::find(word_keys(), key, &WordKey::key);
  if (known != word_keys().end()) {
    if (std::ranges::find(known->words, value) == known->words.end()) return refused(key, value);
    if (key == "message.timestamp.type") parsed.stamps_itself = value == "LogAppendTime";
    return Status::success();
  }
  if (std::ranges::find(kTaken, key) != std::end(kTaken)) return Status::success();
  return Status::fatal("unknown topic configuration " + key);
}

constexpr std::size_t kLongestName = 249;

// Each takes memory for as long as the log is open, and again at every opening: a slip of the keyboard
// must not make a log that cannot be opened any more.
constexpr std::int32_t kMostPartitions = 10'000;

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name == "." || name == "..") return false;
  for (const char c : name) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!allowed) return false;
  }
  return true;
}

}  // namespace

Result<TopicConfig> parse_topic_config(const std::map<std::string, std::string>& config) {
  TopicConfig parsed;
  for (const auto& [key, value] : config) {
    Status applied = apply(key, value, parsed);
    if (!applied.ok()) return applied;
  }
  return parsed;
}

Result<TopicConfig> check_new_topic(const NewTopic& topic) {
  if (!is_valid_name(topic.name))
    return Status::fatal("'" + topic.name + "' cannot be the name of a topic");
  if (topic.partitions <= 0)
    return Status::fatal("topic " + topic.name + " needs at least one partition");
  if (topic.partitions > kMostPartitions) {
    return Status::fatal("topic " + topic.name + " cannot have " +
                         std::to_string(topic.partitions) +
                         " partitions: " + std::to_string(kMostPartitions) + " at most");
  }
  return parse_topic_config(topic.config);
}

Status check_record(const TopicConfig& config, std::string_view topic, const OutgoingRecord& record,
                    Timestamp now) {
  const auto refused = [&](std::string_view why, std::string_view rest = "") {
    return Status::abort(std::string(why) + std::string(topic) + std::string(rest));
  };
  if (batch_size(record) > config.max_message_bytes) {
    return refused("a record for topic ", " is larger than its max.message.bytes (" +
                                              std::to_string(config.max_message_bytes) + ")");
  }
  if (config.needs_time()) {
    // Neither side is below -1, so that the difference does not overflow.
    const std::int64_t ahead =
        std::max<std::int64_t>(to_ms(record.timestamp), -1) - std::max<std::int64_t>(to_ms(now), 0);
    const bool has_time = record.timestamp != kNoTimestamp;
    const bool too_far = has_time && ((config.most_ahead_ms && ahead > *config.most_ahead_ms) ||
                                      (config.most_behind_ms && -ahead > *config.most_behind_ms));
    if (too_far && !config.stamps_itself)
      return refused("a record for topic ", " is stamped outside the topic's limits around now");
  }
  if (config.compacted && !record.key)
    return refused("a record without a key for the compacted topic ");
  return Status::success();
}

}  // namespace millrace::log
