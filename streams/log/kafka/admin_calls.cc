#include "log/kafka/admin_calls.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "log/kafka/kafka_error.h"

namespace millrace::log {
namespace {

template <auto Destroy>
struct Free {
  template <class T>
  void operator()(T* object) const {
    Destroy(object);
  }
};
using EventPtr = std::unique_ptr<rd_kafka_event_t, Free<rd_kafka_event_destroy>>;
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, Free<rd_kafka_queue_destroy>>;
using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, Free<rd_kafka_AdminOptions_destroy>>;
using ListPtr =
    std::unique_ptr<rd_kafka_topic_partition_list_t, Free<rd_kafka_topic_partition_list_destroy>>;
using TopicPtr = std::unique_ptr<rd_kafka_topic_t, Free<rd_kafka_topic_destroy>>;
using MetadataPtr =
    std::unique_ptr<const struct rd_kafka_metadata, Free<rd_kafka_metadata_destroy>>;

constexpr Duration kPoll{5};  // between two looks at a topic that is coming or going

int ms_left(Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(1, left.count()));
}

bool is_over(Deadline deadline) { return std::chrono::steady_clock::now() >= deadline; }

// Effect: asks again while the broker's answer is a passing one (a leader or coordinator that just
// moved, a topic that was just made), as long as there is time.
template <class Ask>
auto ask_until_settled(Deadline deadline, const Ask& once) {
  for (;;) {
    auto answer = once();
    if (answer.ok() || answer.status().consequence() != Consequence::kRetry || is_over(deadline))
      return answer;
    std::this_thread::sleep_for(4 * kPoll);
  }
}

// Effect: asks by `submit` and waits for the answer. nullptr: none came in time (librdkafka 2.0.2
// can lose an answer, so its own time-out is not relied on).
EventPtr ask(rd_kafka_t* client, rd_kafka_admin_op_t operation, Deadline deadline,
             const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& submit) {
  const OptionsPtr options(rd_kafka_AdminOptions_new(client, operation));
  const QueuePtr queue(rd_kafka_queue_new(client));
  char reason[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), ms_left(deadline), reason,
                                            sizeof reason);
  if (operation == RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS) {
    if (rd_kafka_error_t* error =
            rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), 1)) {
      rd_kafka_error_destroy(error);
    }
  }
  submit(options.get(), queue.get());
  return EventPtr(rd_kafka_queue_poll(queue.get(), ms_left(deadline) + 500));
}

Status failure_of(std::string_view what, const EventPtr& event, const Client& client) {
  if (event == nullptr)
    return admin_status(what, RD_KAFKA_RESP_ERR__TIMED_OUT, "", client.context());
  const char* reason = rd_kafka_event_error_string(event.get());
  return admin_status(what, rd_kafka_event_error(event.get()), reason == nullptr ? "" : reason,
                      client.context());
}

ListPtr list_of(const std::vector<TopicPartition>& partitions, std::int64_t offset) {
  ListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& p : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), p.topic.c_str(), p.partition.value())->offset =
        offset;
  }
  return list;
}

const rd_kafka_topic_partition_t* find(const rd_kafka_topic_partition_list_t* list,
                                       const TopicPartition& where) {
  return rd_kafka_topic_partition_list_find(const_cast<rd_kafka_topic_partition_list_t*>(list),
                                            where.topic.c_str(), where.partition.value());
}

// Effect: the first failure among a request's topics; `tolerated` is none.
Status first_failure(std::string_view what, const rd_kafka_topic_result_t** results,
                     std::size_t count, int tolerated, const Client& client) {
  for (std::size_t i = 0; i < count; ++i) {
    const int code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == tolerated) continue;
    const char* reason = rd_kafka_topic_result_error_string(results[i]);
    return admin_status(std::string(what) + " " + rd_kafka_topic_result_name(results[i]), code,
                        reason == nullptr ? "" : reason, client.context());
  }
  return Status::success();
}

}  // namespace

Result<AdminCalls::Shape> AdminCalls::shape(const std::string& topic, Deadline deadline) {
  const TopicPtr handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  if (handle == nullptr) {
    return Status::fatal("describe topic '" + topic +
                         "': " + describe_error(rd_kafka_last_error()));
  }
  const struct rd_kafka_metadata* raw = nullptr;
  const int code = rd_kafka_metadata(client_.get(), 0, handle.get(), &raw, ms_left(deadline));
  const MetadataPtr metadata(raw);
  rd_kafka_poll(client_.get(), 0);  // the reason of a broken connection, for the message
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return admin_status("describe topic '" + topic + "'", code, "", client_.context());
  }
  Shape shape;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const struct rd_kafka_metadata_topic& found = metadata->topics[i];
    if (topic != found.topic) continue;
    if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return shape;
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR &&
        found.err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
      return admin_status("describe topic '" + topic + "'", found.err, "", client_.context());
    }
    shape.partitions = found.partition_cnt;
    shape.ready = found.partition_cnt > 0;
    for (int p = 0; p < found.partition_cnt; ++p)
      shape.ready = shape.ready && found.partitions[p].leader >= 0;
  }
  return shape;
}

Result<std::optional<std::int32_t>> AdminCalls::partition_count(const std::string& topic,
                                                                Deadline deadline) {
  const Result<Shape> found = shape(topic, deadline);
  if (!found.ok()) return found.status();
  return found.value().partitions;
}

Result<TopicsDescribed> AdminCalls::describe_topics(const std::vector<std::string>& topics,
                                                    Deadline deadline) {
  TopicsDescribed described;
  for (const std::string& topic : topics) {
    const auto count = partition_count(topic, deadline);
    if (!count.ok()) return count.status();
    described.topics.push_back({topic, count.value(), std::nullopt});
  }
  Status status = add_limits(described.topics, deadline);
  if (!status.ok()) return status;
  return described;
}

Status AdminCalls::add_limits(std::vector<TopicDescription>& topics, Deadline deadline) {
  std::vector<rd_kafka_ConfigResource_t*> resources;
  for (const TopicDescription& topic : topics) {
    if (!topic.partitions) continue;
    resources.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.topic.c_str()));
  }
  if (resources.empty()) return Status::success();
  const EventPtr event = ask(
      client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, deadline, [&](auto* options, auto* queue) {
        rd_kafka_DescribeConfigs(client_.get(), resources.data(), resources.size(), options, queue);
      });
  rd_kafka_ConfigResource_destroy_array(resources.data(), resources.size());
  if (Status status = failure_of("describe topics' configurations", event, client_); !status.ok())
    return status;

  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** found = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    // Without the right to see a topic's configuration its limit stays unsaid.
    if (rd_kafka_ConfigResource_error(found[i]) != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const std::string_view name = rd_kafka_ConfigResource_name(found[i]);
    std::size_t entries = 0;
    const rd_kafka_ConfigEntry_t** entry = rd_kafka_ConfigResource_configs(found[i], &entries);
    for (std::size_t e = 0; e < entries; ++e) {
      const char* value = rd_kafka_ConfigEntry_value(entry[e]);
      if (value == nullptr ||
          std::string_view(rd_kafka_ConfigEntry_name(entry[e])) != "max.message.bytes")
        continue;
      for (TopicDescription& topic : topics) {
        if (topic.topic == name) topic.max_message_bytes = std::strtoll(value, nullptr, 10);
      }
    }
  }
  return Status::success();
}

Status AdminCalls::create_topics(const std::vector<NewTopic>& topics, Deadline deadline) {
  if (topics.empty()) return Status::success();
  std::vector<rd_kafka_NewTopic_t*> orders;
  std::vector<std::string> names;
  std::string wrong;
  for (const NewTopic& topic : topics) {
    char reason[512] = "";
    // Replication as the broker's default says.
    rd_kafka_NewTopic_t* order =
        rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions, -1, reason, sizeof reason);
    if (order == nullptr) {
      wrong = "create topic '" + topic.name + "': " + reason;
      break;
    }
    for (const auto& [key, value] : topic.config)
      rd_kafka_NewTopic_set_config(order, key.c_str(), value.c_str());
    orders.push_back(order);
    names.push_back(topic.name);
  }
  EventPtr event;
  if (wrong.empty()) {
    event = ask(
        client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS, deadline, [&](auto* options, auto* queue) {
          rd_kafka_CreateTopics(client_.get(), orders.data(), orders.size(), options, queue);
        });
  }
  rd_kafka_NewTopic_destroy_array(orders.data(), orders.size());
  if (!wrong.empty()) return Status::fatal(wrong);
  if (Status status = failure_of("create topics", event, client_); !status.ok()) return status;

  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  Status status = first_failure("create topic", results, count,
                                RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, client_);
  if (!status.ok()) return status;
  return wait_until(names, true, deadline);
}

Status AdminCalls::delete_topics(const std::vector<std::string>& topics, Deadline deadline) {
  if (topics.empty()) return Status::success();
  std::vector<rd_kafka_DeleteTopic_t*> orders;
  for (const std::string& topic : topics) orders.push_back(rd_kafka_DeleteTopic_new(topic.c_str()));
  const EventPtr event =
      ask(client_.get(), RD_KAFKA_ADMIN_OP_DELETETOPICS, deadline, [&](auto* options, auto* queue) {
        rd_kafka_DeleteTopics(client_.get(), orders.data(), orders.size(), options, queue);
      });
  rd_kafka_DeleteTopic_destroy_array(orders.data(), orders.size());
  if (Status status = failure_of("delete topics", event, client_); !status.ok()) return status;

  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  Status status = first_failure("delete topic", results, count,
                                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, client_);
  if (!status.ok()) return status;
  return wait_until(topics, false, deadline);
}

// Effect: waits until every topic is there with leaders, or gone.
Status AdminCalls::wait_until(const std::vector<std::string>& topics, bool present,
                              Deadline deadline) {
  for (const std::string& topic : topics) {
    for (;;) {
      const Result<Shape> found = shape(topic, deadline);
      if (!found.ok()) return found.status();
      if (present ? found.value().ready : !found.value().partitions.has_value()) break;
      if (is_over(deadline)) {
        return Status::retry(
            "topic '" + topic + "' was " +
            (present ? "created and has no leader yet" : "deleted and is still listed"));
      }
      std::this_thread::sleep_for(kPoll);
    }
  }
  return Status::success();
}

Result<OffsetsCommitted> AdminCalls::committed_offsets(
    const std::string& group, const std::vector<TopicPartition>& partitions, Deadline deadline) {
  return ask_until_settled(deadline,
                           [&] { return committed_offsets_once(group, partitions, deadline); });
}

Result<OffsetsCommitted> AdminCalls::committed_offsets_once(
    const std::string& group, const std::vector<TopicPartition>& partitions, Deadline deadline) {
  OffsetsCommitted answer;
  if (partitions.empty()) return answer;
  const std::string what = "committed offsets of group '" + group + "'";
  const ListPtr list = list_of(partitions, RD_KAFKA_OFFSET_INVALID);
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
  return ask_until_settled(deadline, [&] { return list_offsets_once(kind, partitions, deadline); });
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
  const ListPtr list = list_of(
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
  const ListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(below.size())));
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
