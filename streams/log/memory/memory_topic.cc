#include "log/memory/memory_topic.h"

#include <algorithm>
#include <bit>

namespace millrace::log::memory {

namespace {

constexpr std::size_t kLongestName = 249;

std::int64_t varint_size(std::int64_t value) {
  const auto zigzag =
      static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
  return (std::bit_width(zigzag | 1) + 6) / 7;
}

std::int64_t payload_size(OptionalBytesView payload) {
  if (!payload) return varint_size(-1);
  const auto size = static_cast<std::int64_t>(payload->size());
  return varint_size(size) + size;
}

// The size of a batch of this record alone, in Kafka's record format 2: what max.message.bytes is
// compared with.
std::int64_t batch_size(const OutgoingRecord& record) {
  constexpr std::int64_t kBatchHeader = 61;
  std::int64_t body = 3;  // attributes, and a delta of 0 for time and for offset
  body += payload_size(record.key) + payload_size(record.value);
  body += varint_size(static_cast<std::int64_t>(record.headers->size()));
  for (const Header& header : *record.headers) {
    body += payload_size(header.name) + payload_size(header.value);
  }
  return kBatchHeader + varint_size(body) + body;
}

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

MemoryTopic::MemoryTopic(NewTopic topic, const TopicConfig& parsed,
                         const TransactionOutcomes& outcomes)
    : name_(std::move(topic.name)), config_(std::move(topic.config)), parsed_(parsed) {
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    partitions_.push_back(std::make_unique<MemoryPartition>(outcomes));
  }
}

Status MemoryTopic::check(const OutgoingRecord& record, Timestamp now) const {
  if (batch_size(record) > parsed_.max_message_bytes) {
    return Status::abort("a record for topic " + name_ + " is larger than its max.message.bytes (" +
                         std::to_string(parsed_.max_message_bytes) + ")");
  }
  // Neither side is below -1, so that the difference does not overflow.
  const std::int64_t ahead =
      std::max<std::int64_t>(to_ms(record.timestamp), -1) - std::max<std::int64_t>(to_ms(now), 0);
  const bool has_time = record.timestamp != kNoTimestamp;
  const bool too_far = has_time && ((parsed_.most_ahead_ms && ahead > *parsed_.most_ahead_ms) ||
                                    (parsed_.most_behind_ms && -ahead > *parsed_.most_behind_ms));
  if (too_far && !parsed_.stamps_itself) {
    return Status::abort("a record for topic " + name_ +
                         " is stamped outside the topic's limits around now");
  }
  if (parsed_.compacted && !record.key) {
    return Status::abort("a record without a key for the compacted topic " + name_);
  }
  return Status::success();
}

void MemoryTopic::remove() {
  removed_ = true;
  for (const auto& partition : partitions_) partition->tell_watchers();
}

Status MemoryTopics::create(NewTopic topic) {
  if (!is_valid_name(topic.name))
    return Status::fatal("'" + topic.name + "' cannot be the name of a topic");
  if (topic.partitions <= 0)
    return Status::fatal("topic " + topic.name + " needs at least one partition");
  if (topics_.contains(topic.name)) return Status::success();
  const Result<TopicConfig> parsed = parse_topic_config(topic.config);
  if (!parsed.ok()) return parsed.status();
  const std::string name = topic.name;
  topics_.emplace(name, std::make_shared<MemoryTopic>(std::move(topic), parsed.value(), outcomes_));
  return Status::success();
}

void MemoryTopics::remove(std::string_view name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  const std::shared_ptr<MemoryTopic> topic = std::move(found->second);
  topics_.erase(found);
  topic->remove();
}

std::shared_ptr<MemoryTopic> MemoryTopics::find(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second;
}

MemoryPartition* MemoryTopics::find(std::string_view name, Partition p) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second->partition(p);
}

std::vector<std::string> MemoryTopics::names() const {
  std::vector<std::string> names;
  for (const auto& [name, topic] : topics_) names.push_back(name);
  return names;
}

}  // namespace millrace::log::memory
