// Owners for librdkafka's objects. For .cc files: this one includes librdkafka's header.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>

#include "millrace/ids.h"

namespace millrace::log {

template <auto Destroy>
struct Free {
  template <class T>
  void operator()(T* object) const {
    Destroy(object);
  }
};
using EventPtr = std::unique_ptr<rd_kafka_event_t, Free<rd_kafka_event_destroy>>;
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, Free<rd_kafka_queue_destroy>>;
using AdminOptionsPtr =
    std::unique_ptr<rd_kafka_AdminOptions_t, Free<rd_kafka_AdminOptions_destroy>>;
using PartitionListPtr =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Free<rd_kafka_topic_partition_list_destroy>>;
using TopicPtr = std::unique_ptr<rd_kafka_topic_t, Free<rd_kafka_topic_destroy>>;
using MetadataPtr =
    std::unique_ptr<const struct rd_kafka_metadata, Free<rd_kafka_metadata_destroy>>;
using GroupMetadataPtr = std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                                         Free<rd_kafka_consumer_group_metadata_destroy>>;

// Effect: adds the partition; the result may be filled in further.
inline rd_kafka_topic_partition_t* add(const PartitionListPtr& list, const TopicPartition& where,
                                       std::int64_t offset) {
  rd_kafka_topic_partition_t* entry =
      rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition.value());
  entry->offset = offset;
  return entry;
}

// Effect: what the error says, "" for none; frees it.
inline std::string take_text(rd_kafka_error_t* error) {
  if (error == nullptr) return "";
  std::string text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  return text;
}

}  // namespace millrace::log
