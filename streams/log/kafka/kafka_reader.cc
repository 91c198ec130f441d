#include "log/kafka/kafka_reader.h"

#include <algorithm>
#include <utility>

#include "log/kafka/kafka_error.h"
#include "log/kafka/message_owner.h"
#include "log/kafka/rdkafka_owned.h"

namespace millrace::log {
namespace {

PartitionListPtr list_of(const TopicPartition& where, Offset offset) {
  PartitionListPtr list(rd_kafka_topic_partition_list_new(1));
  add(list, where, offset.value());
  return list;
}

void on_records(rd_kafka_t*, void* context) noexcept {
  static_cast<ClientContext*>(context)->mailbox()->wake();
}

}  // namespace

// Set from the thread that finds a partition missing, read by drain().
struct KafkaReader::Failure {
  std::atomic<bool> missing{false};
};

struct KafkaReader::Reading {
  TopicPartition where;
  rd_kafka_queue_t* queue = nullptr;
  Offset next;          // behind the last record drained or the last end reached
  bool at_end = false;  // the last thing drained was "end reached"
  bool begun = false;   // something was drained
  FetchNudge::Taken taken;
  bool standing = false;  // failed: nothing is shown any more
  std::shared_ptr<Failure> failure = std::make_shared<Failure>();

  ~Reading() {
    if (queue == nullptr) return;
    rd_kafka_queue_cb_event_enable(queue, nullptr, nullptr);
    rd_kafka_queue_destroy(queue);
  }
};

KafkaReader::KafkaReader(const KafkaLogOptions& log_options, ReaderOptions options, Epoch epoch,
                         Inbox& inbox, std::shared_ptr<ClosingClients> closing,
                         ExistenceCheck check)
    : epoch_(epoch), mailbox_(std::make_shared<Mailbox>(inbox, epoch)), check_(std::move(check)) {
  const bool committed = options.isolation == Isolation::kReadCommitted;
  ConfPtr conf = make_conf(log_options, ClientRole::kConsumer,
                           {{"isolation.level", committed ? "read_committed" : "read_uncommitted"},
                            {"group.id", "millrace-reads-without-a-group"},  // never joined
                            {"auto.offset.reset", "error"},
                            {"enable.auto.commit", "false"},
                            {"enable.auto.offset.store", "false"},
                            {"enable.partition.eof", "true"},
                            {"allow.auto.create.topics", "false"}});
  client_ =
      Client::start(ClientRole::kConsumer, std::move(conf),
                    std::make_shared<ClientContext>(log_options, mailbox_), std::move(closing));
  rd_kafka_poll_set_consumer(client_->get());
  nudge_.emplace(client_->get());
}

KafkaReader::~KafkaReader() {
  mailbox_->close();
  client_->owner_is_gone();
}

KafkaReader::Reading* KafkaReader::find(ReaderPartition partition) const {
  const auto index = static_cast<std::size_t>(partition.value());
  return index < readings_.size() ? readings_[index].get() : nullptr;
}

ReaderPartition KafkaReader::start(const TopicPartition& where, Offset from) {
  const ReaderPartition index(static_cast<std::int32_t>(readings_.size()));
  readings_.push_back(std::make_unique<Reading>());
  Reading& reading = *readings_.back();
  reading.where = where;
  reading.next = from;

  rd_kafka_t* client = client_->get();
  // Taken out of the common queue before it is assigned: afterwards it races with the first fetch.
  reading.queue =
      rd_kafka_queue_get_partition(client, where.topic.c_str(), where.partition.value());
  rd_kafka_queue_forward(reading.queue, nullptr);
  rd_kafka_queue_cb_event_enable(reading.queue, on_records, &client_->context());
  const std::string wrong =
      take_text(rd_kafka_incremental_assign(client, list_of(where, from).get()));
  if (!wrong.empty()) {
    stand_still(reading);
    mailbox_->post(kNoOperation, Status::fatal("read " + to_string(where) + ": " + wrong),
                   ReadFailed{index});
    return index;
  }
  check_(where, [mailbox = mailbox_, failure = reading.failure, index](Status status) {
    if (failure->missing.exchange(true)) return;
    mailbox->post(kNoOperation, std::move(status), ReadFailed{index});
  });
  return index;
}

void KafkaReader::stop(ReaderPartition partition) {
  Reading* reading = find(partition);
  if (reading == nullptr) return;
  reading->failure->missing = true;  // an answer that is still to come is nobody's
  // Fails where the partition was never assigned, which start() told already.
  (void)take_text(
      rd_kafka_incremental_unassign(client_->get(), list_of(reading->where, kNoOffset).get()));
  stand_still(*reading);
  readings_[static_cast<std::size_t>(partition.value())].reset();
}

// Effect: shows nothing more, and gives back the memory of what was fetched: everything left in
// the queue belongs to the past, because unassigning is done when the call returns.
void KafkaReader::stand_still(Reading& reading) {
  reading.standing = true;
  reading.at_end = false;
  rd_kafka_message_t* left[256];
  while (const ssize_t n = rd_kafka_consume_batch_queue(reading.queue, 0, left, std::size(left))) {
    if (n < 0) break;
    for (ssize_t i = 0; i < n; ++i) rd_kafka_message_destroy(left[i]);
  }
}

// Effect: serves what concerns the whole client; its errors are kept for messages.
void KafkaReader::serve_client() {
  if (rd_kafka_message_t* message = rd_kafka_consumer_poll(client_->get(), 0))
    rd_kafka_message_destroy(message);
}

void KafkaReader::drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) {
  batch.clear();
  Reading* reading = find(partition);
  if (reading == nullptr) return;
  if (reading->failure->missing && !reading->standing) {
    // Else it would begin by itself when the topic is created.
    (void)take_text(
        rd_kafka_incremental_unassign(client_->get(), list_of(reading->where, kNoOffset).get()));
    stand_still(*reading);
  }
  if (reading->standing) return;

  if (messages_.size() < max) messages_.resize(max);
  // With a time-out it would wait for a full batch.
  const ssize_t n = rd_kafka_consume_batch_queue(reading->queue, 0, messages_.data(), max);
  if (n <= 0) {
    serve_client();
    return;
  }
  reading->begun = true;
  std::size_t bytes = 0;
  auto owner = std::make_unique<MessageOwner>(client_, static_cast<std::size_t>(n));
  for (ssize_t i = 0; i < n; ++i) {
    rd_kafka_message_t* message = messages_[static_cast<std::size_t>(i)];
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      reading->next = Offset(message->offset) + 1;
      reading->at_end = false;
      bytes += message->len + message->key_len;
      batch.add(owner->add(message));
    } else {
      take(*reading, partition, message);
      rd_kafka_message_destroy(message);
    }
  }
  if (!batch.empty()) batch.keep(std::move(owner));
  nudge_->took(reading->taken, batch.size(), bytes);
}

// Effect: an end or an error among the records becomes an event.
void KafkaReader::take(Reading& reading, ReaderPartition partition, rd_kafka_message_s* message) {
  const std::string what =
      "read " + to_string(reading.where) + " at offset " + std::to_string(reading.next.value());
  switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      reading.next = std::max(reading.next, Offset(message->offset));
      reading.at_end = true;
      mailbox_->post(kNoOperation, Status::success(), EndReached{partition, reading.next});
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      reading.standing = true;
      mailbox_->post(kNoOperation, Status::fatal(what + ": the log has no such offset"),
                     OffsetOutOfRange{partition, reading.next});
      return;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      reading.standing = true;
      if (!reading.failure->missing.exchange(true)) {
        mailbox_->post(kNoOperation, Status::fatal(what + ": " + describe_error(message->err)),
                       ReadFailed{partition});
      }
      return;
    default:
      // librdkafka tries again by itself.
      client_->context().note_error(what + ": " + describe_error(message->err));
      return;
  }
}

Offset KafkaReader::position(ReaderPartition partition) const {
  const Reading* reading = find(partition);
  if (reading == nullptr) return kNoOffset;
  // librdkafka's own position also passes markers between records. Until something was drained it
  // is -1001, or what an earlier reading of the partition left behind.
  if (!reading->begun) return reading->next;
  const PartitionListPtr list = list_of(reading->where, kNoOffset);
  if (rd_kafka_position(client_->get(), list.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return reading->next;
  return std::max(reading->next, Offset(list->elems[0].offset));
}

bool KafkaReader::caught_up(ReaderPartition partition) const {
  const Reading* reading = find(partition);
  return reading != nullptr && reading->at_end && !reading->standing &&
         rd_kafka_queue_length(reading->queue) == 0;
}

}  // namespace millrace::log
