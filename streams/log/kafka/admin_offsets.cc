#include <algorithm>
#include <utility>

#include "log/kafka/admin_calls.h"
#include "log/kafka/admin_question.h"
#include "log/kafka/kafka_error.h"
#include "log/kafka/rdkafka_owned.h"

namespace millrace::log {
namespace {

// Effect: asks again while the broker's answer is a passing one (a leader or coordinator that just
// moved, a topic that was just made), as long as there is time.
template <class Ask>
auto ask_until_settled(const Client& client, Deadline deadline, const Ask& once) {
  for (;;) {
    auto answer = once();
    if (answer.ok() || answer.status().consequence() != Consequence::kRetry ||
        !wait_a_moment(client, deadline)) {
      return answer;
    }
  }
}

PartitionListPtr list_of(const std::vector<TopicPartition>& partitions, std::int64_t offset) {
  PartitionListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& where : partitions) add(list, where, offset);
  return list;
}

const rd_kafka_topic_partition_t* find(const rd_kafka_topic_partition_list_t* list,
                                       const TopicPartition& where) {
  return rd_kafka_topic_partition_list_find(const_cast<rd_kafka_topic_partition_list_t*>(list),
                                            where.topic.c_str(), where.partition.value());
}

}  // namespace

Result<OffsetsCommitted> AdminCalls::committed_offsets(
    const std::string& group, const std::vector<TopicPartition>& partitions, Deadline deadline) {
  return ask_until_settled(client_, deadline,
                           [&] { return committed_offsets_once(group, partitions, deadline); });
}

Result<OffsetsCommitted> AdminCalls::committed_offsets_once(
    const std::string& group, const std::vector<TopicPartition>& partitions, Deadline deadline) {
  OffsetsCommitted answer;
  if (partitions.empty()) return answer;
  const std::string what = "committed offsets of group '" + group + "'";
  const PartitionListPtr list = list_of(partitions, RD_KAFKA_OFFSET_INVALID);
  rd_kafka_ListConsumerGroupOffsets_t* question =
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get());
  const EventPtr event =
      ask(client_.get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, deadline,
          [&](auto* options, auto* queue) {
            rd_kafka_ListConsumerGroupOffsets(client_.get(), &question, 1, options, queue);
          });
  rd_kafka_ListConsumerGroupOffsets_destroy(question);
  if (Status status = failure_of(what, event, client_); !status.ok()) return status;

  std::size_t count = 0;
  const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  if (count != 1) return Status::retry(what + ": the answer names no group");
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0])) {
    return admin_status(what, rd_kafka_error_code(error), rd_kafka_error_string(error),
                        client_.context());
  }
  const rd_kafka_topic_partition_list_t* found = rd_kafka_group_result_partitions(groups[0]);
  for (const TopicPartition& where : partitions) {
    CommittedOffset& offset = answer.offsets.emplace_back();
    offset.where = where;
    const rd_kafka_topic_partition_t* entry = find(found, where);
    if (entry == nullptr)
      return Status::retry(what + ": the answer leaves out " + to_string(where));
    if (entry->err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) {
      offset.stable = false;
    } else if (entry->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return admin_status(what + " for " + to_string(where), entry->err, "", client_.context());
    } else if (entry->offset >= 0) {
      offset.offset = Offset(entry->offset);
      if (entry->metadata_size > 0) {
        offset.metadata.assign(static_cast<const char*>(entry->metadata), entry->metadata_size);
      }
    }
  }
  return answer;
}

// Effect: the partition counts of the topics that exist. librdkafka would wait for the leader of a
// partition that does not exist until the deadline.
Result<std::map<std::string, std::int32_t>> AdminCalls::shapes(
    const std::vector<TopicPartition>& of, Deadline deadline) {
  std::map<std::string, std::int32_t> counts;
  for (const TopicPartition& where : of) {
    if (counts.contains(where.topic)) continue;
    const auto count = partition_count(where.topic, deadline);
    if (!count.ok()) return count.status();
    counts[where.topic] = count.value().value_or(0);
  }
  return counts;
}

Result<OffsetsListed> AdminCalls::list_offsets(OffsetKind kind,
                                               const std::vector<TopicPartition>& partitions,
                                               Deadline deadline) {
  return ask_until_settled(client_, deadline,
                           [&] { return list_offsets_once(kind, partitions, deadline); });
}

Result<OffsetsListed> AdminCalls::list_offsets_once(OffsetKind kind,
                                                    const std::vector<TopicPartition>& partitions,
                                                    Deadline deadline) {
  const auto counts = shapes(partitions, deadline);
  if (!counts.ok()) return counts.status();
  std::vector<TopicPartition> existing;
  for (const TopicPartition& where : partitions) {
    if (where.partition.value() < counts.value().at(where.topic)) existing.push_back(where);
  }
  // A question for a time, where -2 and -1 mean start and end: one request for each leader.
  const PartitionListPtr list = list_of(
      existing, kind == OffsetKind::kStart ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END);
  if (!existing.empty()) {
    const int code = rd_kafka_offsets_for_times(client_.get(), list.get(), ms_left(deadline));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return admin_status("list offsets", code, "", client_.context());
  }
  OffsetsListed answer;
  for (const TopicPartition& where : partitions) {
    answer.offsets.push_back({where, kNoOffset});
    const rd_kafka_topic_partition_t* entry = find(list.get(), where);
    if (entry == nullptr) continue;
    if (entry->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return admin_status("list offsets of " + to_string(where), entry->err, "", client_.context());
    }
    answer.offsets.back().offset = Offset(entry->offset);
  }
  return answer;
}

Status AdminCalls::delete_records(const std::vector<DeleteBelow>& below, Deadline deadline) {
  if (below.empty()) return Status::success();
  std::vector<TopicPartition> partitions;
  for (const DeleteBelow& b : below) partitions.push_back(b.where);
  const auto counts = shapes(partitions, deadline);
  if (!counts.ok()) return counts.status();
  const PartitionListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(below.size())));
  for (const DeleteBelow& b : below) {
    if (b.where.partition.value() >= counts.value().at(b.where.topic)) {
      return Status::retry("delete records of " + to_string(b.where) +
                           ": there is no such partition");
    }
    rd_kafka_topic_partition_list_add(list.get(), b.where.topic.c_str(), b.where.partition.value())
        ->offset = b.offset.value();
  }
  rd_kafka_DeleteRecords_t* order = rd_kafka_DeleteRecords_new(list.get());
  const EventPtr event = ask(client_.get(), RD_KAFKA_ADMIN_OP_DELETERECORDS, deadline,
                             [&](auto* options, auto* queue) {
                               rd_kafka_DeleteRecords(client_.get(), &order, 1, options, queue);
                             });
  rd_kafka_DeleteRecords_destroy(order);
  if (Status status = failure_of("delete records", event, client_); !status.ok()) return status;

  const rd_kafka_topic_partition_list_t* results =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int i = 0; i < results->cnt; ++i) {
    const rd_kafka_topic_partition_t& result = results->elems[i];
    if (result.err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const std::string what =
        "delete records of " + to_string(TopicPartition{result.topic, Partition(result.partition)});
    // Purging is an economy: beyond the end or refused by the topic's policy it may be left.
    if (is_refusal(result.err)) return admin_status(what, result.err, "", client_.context());
    return Status::retry(what + ": " + describe_error(result.err));
  }
  return Status::success();
}

}  // namespace millrace::log
