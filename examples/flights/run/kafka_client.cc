#include "run/kafka_client.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <stdexcept>

namespace flights {

namespace {

constexpr int kPatienceMs = 30'000;

[[noreturn]] void fail(const std::string& what, const std::string& why) {
  throw std::runtime_error(what + ": " + why);
}

Client make_client(rd_kafka_type_t type, const ClientSettings& settings) {
  std::array<char, 512> error{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  // A broker that has just started makes it complain while it tries again.
  rd_kafka_conf_set(conf, "log_level", "3", nullptr, 0);
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error.data(), error.size()) !=
        RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      fail("a setting of the Kafka client", error.data());
    }
  }
  Client client(rd_kafka_new(type, conf, error.data(), error.size()));
  if (!client) {
    rd_kafka_conf_destroy(conf);
    fail("the Kafka client", error.data());
  }
  return client;
}

ClientSettings with(ClientSettings settings, const ClientSettings& more) {
  settings.insert(more.begin(), more.end());
  return settings;
}

struct Destroy {
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
  void operator()(rd_kafka_NewTopic_t* p) const { rd_kafka_NewTopic_destroy(p); }
  void operator()(rd_kafka_AdminOptions_t* p) const { rd_kafka_AdminOptions_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(rd_kafka_topic_partition_list_t* p) const {
    rd_kafka_topic_partition_list_destroy(p);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Destroy>;

// The topic is known everywhere some moments after it was created.
void wait_for_topic(rd_kafka_t* client, const std::string& topic) {
  for (int tries = 0; tries < 100; ++tries) {
    rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto error = rd_kafka_metadata(client, 0, handle, &metadata, kPatienceMs);
    rd_kafka_topic_destroy(handle);
    if (error) fail("topic " + topic, rd_kafka_err2str(error));
    bool ready = metadata->topic_cnt == 1 && metadata->topics[0].partition_cnt == kPartitions;
    for (int i = 0; ready && i < kPartitions; ++i) {
      ready = metadata->topics[0].partitions[i].leader >= 0;
    }
    rd_kafka_metadata_destroy(metadata);
    if (ready) return;
    rd_kafka_poll(client, 50);
  }
  fail("topic " + topic, "it was created, but no leader was elected for its partitions");
}

}  // namespace

void CloseClient::operator()(rd_kafka_s* client) const noexcept { rd_kafka_destroy(client); }

void create_topics(const ClientSettings& settings, const std::vector<std::string>& topics) {
  const Client client = make_client(RD_KAFKA_PRODUCER, settings);
  std::vector<Owned<rd_kafka_NewTopic_t>> owned;
  std::vector<rd_kafka_NewTopic_t*> wanted;
  for (const std::string& topic : topics) {
    std::array<char, 512> error{};
    owned.emplace_back(
        rd_kafka_NewTopic_new(topic.c_str(), kPartitions, -1, error.data(), error.size()));
    if (!owned.back()) fail("topic " + topic, error.data());
    wanted.push_back(owned.back().get());
    rd_kafka_NewTopic_set_config(wanted.back(), "retention.ms", "-1");
  }
  const Owned<rd_kafka_AdminOptions_t> options(
      rd_kafka_AdminOptions_new(client.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  std::array<char, 512> error{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kPatienceMs, error.data(), error.size());
  const Owned<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.get()));
  rd_kafka_CreateTopics(client.get(), wanted.data(), wanted.size(), options.get(), queue.get());

  const Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 2 * kPatienceMs));
  if (!event) fail("creating topics", "no answer");
  if (rd_kafka_event_error(event.get())) {
    fail("creating topics", rd_kafka_event_error_string(event.get()));
  }
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!rd_kafka_topic_result_error(results[i])) continue;
    fail("creating topic " + std::string(rd_kafka_topic_result_name(results[i])),
         std::string(rd_kafka_topic_result_error_string(results[i])) +
             " (the demo needs topics of its own: delete those of an earlier run)");
  }
  for (const std::string& topic : topics) wait_for_topic(client.get(), topic);
}

InputWriter::InputWriter(const ClientSettings& settings)
    : client_(make_client(RD_KAFKA_PRODUCER, with(settings, {{"partitioner", "murmur2_random"},
                                                             {"enable.idempotence", "true"},
                                                             {"linger.ms", "5"}}))) {}

void InputWriter::send(const std::string& topic, const InputRecord& record) {
  for (;;) {
    const auto error = rd_kafka_producev(
        client_.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
        RD_KAFKA_V_KEY(record.key.data(), record.key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_TIMESTAMP(millrace::to_ms(record.timestamp)), RD_KAFKA_V_END);
    if (!error) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      fail("writing to " + topic, rd_kafka_err2str(error));
    }
    rd_kafka_poll(client_.get(), 100);
  }
}

void InputWriter::flush() {
  // An idempotent producer loses nothing: what is not in the log is still here.
  const auto error = rd_kafka_flush(client_.get(), kPatienceMs);
  if (error || rd_kafka_outq_len(client_.get()) > 0) {
    fail("writing the input", rd_kafka_err2str(error));
  }
}

ResultReader::ResultReader(const ClientSettings& settings, const std::vector<std::string>& topics)
    : client_(make_client(RD_KAFKA_CONSUMER, with(settings, {{"group.id", "flights-demo-results"},
                                                             {"isolation.level", "read_committed"},
                                                             {"enable.partition.eof", "true"},
                                                             {"enable.auto.commit", "false"}}))) {
  rd_kafka_poll_set_consumer(client_.get());
  const Owned<rd_kafka_topic_partition_list_t> all(rd_kafka_topic_partition_list_new(8));
  for (const std::string& topic : topics) {
    for (std::int32_t i = 0; i < kPartitions; ++i) {
      rd_kafka_topic_partition_list_add(all.get(), topic.c_str(), i)->offset =
          RD_KAFKA_OFFSET_BEGINNING;
    }
  }
  open_partitions_ = static_cast<std::size_t>(all->cnt);
  if (const auto error = rd_kafka_assign(client_.get(), all.get())) {
    fail("reading the results", rd_kafka_err2str(error));
  }
}

std::optional<ResultReader::Read> ResultReader::read(int timeout_ms) {
  const Owned<rd_kafka_message_t> message(rd_kafka_consumer_poll(client_.get(), timeout_ms));
  if (!message) return std::nullopt;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (open_partitions_ > 0) --open_partitions_;
    return std::nullopt;
  }
  if (message->err) {
    fail("reading the results", rd_kafka_message_errstr(message.get()));
  }
  Read read{rd_kafka_topic_name(message->rkt), {}};
  read.record.partition = message->partition;
  if (message->key)
    read.record.key.assign(static_cast<const char*>(message->key), message->key_len);
  if (message->payload) {
    read.record.value.emplace(static_cast<const char*>(message->payload), message->len);
  }
  read.record.timestamp_ms = rd_kafka_message_timestamp(message.get(), nullptr);
  return read;
}

}  // namespace flights
