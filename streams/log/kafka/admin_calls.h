// The questions and orders of LogAdmin as plain calls that wait, with a deadline each. Made on the
// admin thread only; the client reads uncommitted, so that the end of a partition is its true end.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "log/admin.h"
#include "log/kafka/admin_question.h"
#include "log/kafka/kafka_handle.h"

namespace millrace::log {

class AdminCalls {
 public:
  explicit AdminCalls(Client& client) : client_(client) {}

  Result<TopicsDescribed> describe_topics(const std::vector<std::string>& topics,
                                          Deadline deadline);
  Status create_topics(const std::vector<NewTopic>& topics, Deadline deadline);
  Status delete_topics(const std::vector<std::string>& topics, Deadline deadline);
  Result<OffsetsCommitted> committed_offsets(const std::string& group,
                                             const std::vector<TopicPartition>& partitions,
                                             Deadline deadline);
  Result<OffsetsListed> list_offsets(OffsetKind kind, const std::vector<TopicPartition>& partitions,
                                     Deadline deadline);
  Status delete_records(const std::vector<DeleteBelow>& below, Deadline deadline);

  // How many partitions have a leader or had one; nullopt: there is no such topic.
  Result<std::optional<std::int32_t>> partition_count(const std::string& topic, Deadline deadline);

 private:
  struct Shape {
    std::optional<std::int32_t> partitions;
    bool ready = false;  // every partition has a leader
  };
  Result<OffsetsCommitted> committed_offsets_once(const std::string& group,
                                                  const std::vector<TopicPartition>& partitions,
                                                  Deadline deadline);
  Result<OffsetsListed> list_offsets_once(OffsetKind kind,
                                          const std::vector<TopicPartition>& partitions,
                                          Deadline deadline);
  Result<Shape> shape(const std::string& topic, Deadline deadline);
  Result<std::map<std::string, std::int32_t>> shapes(const std::vector<TopicPartition>& of,
                                                     Deadline deadline);
  Status wait_until(const std::vector<std::string>& topics, bool present, Deadline deadline);
  Status add_limits(std::vector<TopicDescription>& topics, Deadline deadline);

  Client& client_;
};

}  // namespace millrace::log
