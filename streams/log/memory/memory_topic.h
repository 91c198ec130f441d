// Topics and what their configuration makes a broker refuse.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/admin.h"
#include "log/memory/memory_partition.h"
#include "log/topic_config.h"
#include "millrace/result.h"

namespace millrace::log::memory {

class MemoryTopic {
 public:
  MemoryTopic(NewTopic topic, const TopicConfig& parsed, const TransactionOutcomes& outcomes);

  const std::string& name() const { return name_; }
  const std::map<std::string, std::string>& config() const { return config_; }
  std::int32_t partitions() const { return static_cast<std::int32_t>(partitions_.size()); }
  std::int64_t max_message_bytes() const { return parsed_.max_message_bytes; }
  Duration deletions_kept() const { return parsed_.deletions_kept(); }
  // False for a topic that is only compacted.
  bool takes_delete_records() const { return parsed_.deletes; }

  // nullptr: there is no such partition.
  MemoryPartition* partition(Partition p) const {
    const auto index = static_cast<std::size_t>(p.value());
    return index < partitions_.size() ? partitions_[index].get() : nullptr;
  }

  // What a broker says to this record: success, or why it is refused (Consequence::kAbort).
  Status check(const OutgoingRecord& record, Timestamp now) const {
    return check_record(parsed_, name_, record, now);
  }

  // The timestamp that the record gets in the log.
  Timestamp stamp(const OutgoingRecord& record, Timestamp now) const {
    return parsed_.stamps_itself ? now : record.timestamp;
  }

  // Effect: from now on the topic is gone for whoever still holds it.
  void remove();
  bool removed() const { return removed_; }

 private:
  const std::string name_;
  const std::map<std::string, std::string> config_;
  const TopicConfig parsed_;
  std::vector<std::unique_ptr<MemoryPartition>> partitions_;
  bool removed_ = false;
};

// Lifetime: a topic lives as long as anybody holds it; removed() says that it is not in the log any
// more.
class MemoryTopics {
 public:
  explicit MemoryTopics(const TransactionOutcomes& outcomes) : outcomes_(outcomes) {}

  // Errors: fatal, a name, a count of partitions or a configuration that a broker refuses.
  Status create(NewTopic topic);
  void remove(std::string_view name);

  // nullptr: there is no such topic, or partition.
  std::shared_ptr<MemoryTopic> find(std::string_view name) const;
  MemoryPartition* find(std::string_view name, Partition p) const;
  MemoryPartition* find(const TopicPartition& where) const {
    return find(where.topic, where.partition);
  }

  std::vector<std::string> names() const;

 private:
  const TransactionOutcomes& outcomes_;
  std::map<std::string, std::shared_ptr<MemoryTopic>, std::less<>> topics_;
};

}  // namespace millrace::log::memory
