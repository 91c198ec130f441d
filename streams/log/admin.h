// Questions and orders about topics, offsets and groups. All are submitted; every one completes with
// exactly one event.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "log/event.h"

namespace millrace::log {

struct NewTopic {
  std::string name;
  std::int32_t partitions = 1;
  std::map<std::string, std::string> config;  // Kafka's topic configuration keys
};

enum class OffsetKind {
  kStart,  // the first offset that can be read
  kEnd,    // behind the last record or marker written, committed or not: the target of a restore
};

struct DeleteBelow {
  TopicPartition where;
  Offset offset;
};

// Not thread-safe: one worker uses it.
class LogAdmin {
 public:
  virtual ~LogAdmin() = default;

  virtual Epoch epoch() const = 0;

  // Completes with TopicsDescribed.
  virtual void submit_describe_topics(OperationId id, std::vector<std::string> topics) = 0;

  // Effect: creates those that do not exist; an existing topic is left as it is and is not an error
  // (its shape is the caller's to check). Completes with Done once they can be written and read.
  virtual void submit_create_topics(OperationId id, std::vector<NewTopic> topics) = 0;

  // Effect: deletes; a missing topic is not an error. Completes with Done.
  virtual void submit_delete_topics(OperationId id, std::vector<std::string> topics) = 0;

  // Effect: reads the group's committed offsets. A partition where an open transaction has put an
  // offset comes back with stable = false and its offset unsaid. Completes with OffsetsCommitted.
  virtual void submit_committed_offsets(OperationId id, std::string group,
                                        std::vector<TopicPartition> partitions) = 0;

  // Completes with OffsetsListed.
  virtual void submit_list_offsets(OperationId id, OffsetKind kind,
                                   std::vector<TopicPartition> partitions) = 0;

  // Effect: records below the offsets can no longer be read. Lower than the log's start: nothing
  // happens. Completes with Done; kRetry beyond the end or on a topic that is only compacted.
  virtual void submit_delete_records(OperationId id, std::vector<DeleteBelow> below) = 0;
};

}  // namespace millrace::log
