// The topics that exist now, by name.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/journal/catalog.h"
#include "log/journal/live_partition.h"
#include "log/topic_config.h"

namespace millrace::log::journal {

// Held by whoever writes or reads it; removed() says that it is in the journal no more. Partitions are
// guarded by the journal's mutex.
class LiveTopic {
 public:
  LiveTopic(const Catalog::Topic& topic, TopicConfig config);

  TopicId id() const { return id_; }
  const std::string& name() const { return name_; }
  const TopicConfig& config() const { return config_; }
  std::int32_t partitions() const { return static_cast<std::int32_t>(partitions_.size()); }
  // nullptr: there is no such partition.
  LivePartition* partition(Partition p) const {
    const auto index = static_cast<std::size_t>(p.value());
    return index < partitions_.size() ? partitions_[index].get() : nullptr;
  }

  // Any thread, without the mutex.
  bool removed() const { return removed_.load(std::memory_order_acquire); }

 private:
  friend class LiveTopics;

  const TopicId id_;
  const std::string name_;
  const TopicConfig config_;
  std::vector<std::unique_ptr<LivePartition>> partitions_;
  std::atomic<bool> removed_{false};
};

// Guarded by the journal's mutex.
class LiveTopics {
 public:
  // Effect: makes the topic known as the catalog says.
  void add(const Catalog::Topic& topic);
  // Effect: it is gone for whoever holds it, and its readers are woken.
  void remove(TopicId id);

  // nullptr: there is no such topic.
  std::shared_ptr<LiveTopic> find(std::string_view name) const;
  LivePartition* find(const TopicPartition& where) const;
  LivePartition* find(PartitionKey where) const;

 private:
  std::map<std::string, std::shared_ptr<LiveTopic>, std::less<>> topics_;
  std::map<TopicId, LiveTopic*> by_id_;
};

}  // namespace millrace::log::journal
