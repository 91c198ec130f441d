#include "task/dead_letters.h"

#include <algorithm>

#include "millrace/partitioning.h"

namespace millrace::task {

std::string_view to_string(ErrorPhase phase) {
  switch (phase) {
    case ErrorPhase::kDeserialization:
      return "deserialization";
    case ErrorPhase::kProcessing:
      return "processing";
    case ErrorPhase::kProduction:
      return "production";
  }
  return "processing";
}

DeadLetters::DeadLetters(TaskId task, OutputBuffer& output, const std::string& topic,
                         std::int32_t partitions)
    : task_(task), output_(output) {
  if (!topic.empty()) target_ = output.add_topic(topic, partitions);
}

Headers DeadLetters::headers(const TopicPartition& where, const RecordView& record,
                             const Reason& reason) const {
  Headers headers = *record.headers;
  headers.add("__streams.errors.exception", reason.exception);
  headers.add("__streams.errors.message", reason.message);
  if (!where.topic.empty()) {
    headers.add("__streams.errors.topic", where.topic);
    headers.add("__streams.errors.partition", std::to_string(where.partition.value()));
    headers.add("__streams.errors.offset", std::to_string(record.offset.value()));
  }
  headers.add("__errors.phase", std::string(to_string(reason.phase)));
  headers.add("__errors.node", reason.node);
  headers.add("__errors.task", millrace::to_string(task_));
  return headers;
}

bool DeadLetters::fits(const TopicPartition& where, const RecordView& record,
                       const Reason& reason) const {
  return output_.fits(target_, record.key, record.value, headers(where, record, reason));
}

void DeadLetters::send(const TopicPartition& where, const RecordView& record,
                       const Reason& reason) {
  const Partition partition =
      record.key ? partition_for_key(*record.key, target_.partitions)
                 : Partition(std::max(where.partition.value(), 0) % target_.partitions);
  output_.send(target_, partition, record.key, record.value,
               std::max(record.timestamp, Timestamp{}), headers(where, record, reason));
}

}  // namespace millrace::task
