#include <cstdlib>
#include <utility>

#include "log/kafka/admin_calls.h"
#include "log/kafka/admin_question.h"
#include "log/kafka/kafka_error.h"
#include "log/kafka/rdkafka_owned.h"

namespace millrace::log {
namespace {

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
    described.topics.push_back({topic, count.value(), std::nullopt, std::nullopt});
  }
  Status status = add_limits(described.topics, deadline);
  if (!status.ok()) return status;
  return described;
}

// Effect: what these configuration entries of the topic say of its limits.
static void take_limits(const std::map<std::string_view, const char*>& values,
                        TopicDescription& topic) {
  if (const auto most = values.find("max.message.bytes"); most != values.end())
    topic.max_message_bytes = std::strtoll(most->second, nullptr, 10);
  const auto policy = values.find("cleanup.policy");
  if (policy == values.end()) return;
  if (std::string_view(policy->second).find("compact") == std::string_view::npos) {
    topic.deletions_kept = Duration::max();
  } else if (const auto kept = values.find("delete.retention.ms"); kept != values.end()) {
    topic.deletions_kept = Duration(std::strtoll(kept->second, nullptr, 10));
  }
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
    std::map<std::string_view, const char*> values;
    for (std::size_t e = 0; e < entries; ++e) {
      const char* value = rd_kafka_ConfigEntry_value(entry[e]);
      if (value != nullptr) values[rd_kafka_ConfigEntry_name(entry[e])] = value;
    }
    for (TopicDescription& topic : topics) {
      if (topic.topic == name) take_limits(values, topic);
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
      if (!wait_a_moment(client_, deadline)) {
        return Status::retry(
            "topic '" + topic + "' was " +
            (present ? "created and has no leader yet" : "deleted and is still listed"));
      }
    }
  }
  return Status::success();
}

}  // namespace millrace::log
