#include "log/journal/live_topics.h"

namespace millrace::log::journal {

LiveTopic::LiveTopic(const Catalog::Topic& topic, TopicConfig config)
    : id_(topic.id), name_(topic.name), config_(config) {
  for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
    const Partition p(static_cast<std::int32_t>(i));
    partitions_.push_back(std::make_unique<LivePartition>(
        TopicPartition{name_, p}, PartitionKey{id_, p}, topic.partitions[i]));
  }
}

void LiveTopics::add(const Catalog::Topic& topic) {
  // What is in the catalog was checked when the topic was made; a key that only a newer version
  // knows changes nothing here.
  const Result<TopicConfig> parsed = parse_topic_config(topic.config);
  auto made = std::make_shared<LiveTopic>(topic, parsed.ok() ? parsed.value() : TopicConfig{});
  by_id_[topic.id] = made.get();
  topics_[topic.name] = std::move(made);
}

void LiveTopics::remove(TopicId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const std::shared_ptr<LiveTopic> topic = topics_.at(found->second->name());
  by_id_.erase(found);
  topics_.erase(topic->name());
  topic->removed_.store(true, std::memory_order_release);
  for (const auto& partition : topic->partitions_) partition->wake_watchers();
}

std::shared_ptr<LiveTopic> LiveTopics::find(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second;
}

LivePartition* LiveTopics::find(const TopicPartition& where) const {
  const auto found = topics_.find(where.topic);
  return found == topics_.end() ? nullptr : found->second->partition(where.partition);
}

LivePartition* LiveTopics::find(PartitionKey where) const {
  const auto found = by_id_.find(where.topic);
  return found == by_id_.end() ? nullptr : found->second->partition(where.partition);
}

}  // namespace millrace::log::journal
