#include "log/memory/memory_topic.h"

#include <utility>

namespace millrace::log::memory {

MemoryTopic::MemoryTopic(NewTopic topic, const TopicConfig& parsed,
                         const TransactionOutcomes& outcomes)
    : name_(std::move(topic.name)), config_(std::move(topic.config)), parsed_(parsed) {
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    partitions_.push_back(std::make_unique<MemoryPartition>(outcomes));
  }
}

void MemoryTopic::remove() {
  removed_ = true;
  for (const auto& partition : partitions_) partition->tell_watchers();
}

Status MemoryTopics::create(NewTopic topic) {
  const Result<TopicConfig> parsed = check_new_topic(topic);
  if (topics_.contains(topic.name)) return Status::success();
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
