#include "log/kafka/kafka_producer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <utility>

#include "log/kafka/kafka_error.h"
#include "log/kafka/producer_state.h"

namespace millrace::log {
namespace {

// Delivery reports are served once in so many records; each is an element of a queue until then.
constexpr int kSendsPerServe = 1000;

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) noexcept {
  static_cast<ProducerContext*>(static_cast<ClientContext*>(opaque))->delivered(*message);
}

void on_report_waiting(rd_kafka_t*, void* opaque) noexcept {
  auto* context = static_cast<ProducerContext*>(opaque);
  if (context->room_wanted.exchange(false)) context->mailbox()->wake();
}

rd_kafka_resp_err_t on_request_sent(rd_kafka_t*, int, const char*, std::int32_t, std::int16_t api,
                                    std::int16_t, std::int32_t, std::size_t, void* watch) noexcept {
  static_cast<TransactionWatch*>(watch)->sent(api);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t on_response_received(rd_kafka_t*, int, const char*, std::int32_t,
                                         std::int16_t api, std::int16_t, std::int32_t, std::size_t,
                                         std::int64_t, rd_kafka_resp_err_t err,
                                         void* watch) noexcept {
  if (err == RD_KAFKA_RESP_ERR_NO_ERROR) static_cast<TransactionWatch*>(watch)->answered(api);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t on_new(rd_kafka_t* handle, const rd_kafka_conf_t*, void* watch, char*,
                           std::size_t) noexcept {
  rd_kafka_interceptor_add_on_request_sent(handle, "millrace", on_request_sent, watch);
  rd_kafka_interceptor_add_on_response_received(handle, "millrace", on_response_received, watch);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

// librdkafka tells "null" from "empty" by the pointer.
void set_bytes(rd_kafka_vu_t& argument, rd_kafka_vtype_t type, const OptionalBytesView& bytes) {
  argument.vtype = type;
  const char* data = !bytes ? nullptr : bytes->empty() ? "" : bytes->data();
  argument.u.mem.ptr = const_cast<char*>(data);
  argument.u.mem.size = bytes ? bytes->size() : 0;
}

rd_kafka_headers_t* copy_of(const Headers& headers) {
  rd_kafka_headers_t* copy = rd_kafka_headers_new(headers.size());
  for (const Header& h : headers) {
    const char* value = !h.value ? nullptr : h.value->data();
    rd_kafka_header_add(copy, h.name.data(), static_cast<ssize_t>(h.name.size()), value,
                        h.value ? static_cast<ssize_t>(h.value->size()) : 0);
  }
  return copy;
}

}  // namespace

KafkaProducer::KafkaProducer(const KafkaLogOptions& log_options, ProducerOptions options,
                             std::int64_t batch_limit, Epoch epoch, Inbox& inbox,
                             std::shared_ptr<ClosingClients> closing,
                             std::shared_ptr<const LocalGroups> groups)
    : epoch_(epoch), state_(std::make_shared<ProducerState>()), groups_(std::move(groups)) {
  state_->context =
      std::make_shared<ProducerContext>(log_options, std::make_shared<Mailbox>(inbox, epoch));
  // A call that is given up before the broker has given up the transaction leaves it in doubt.
  state_->deadline =
      std::max(log_options.operation_deadline, options.transaction_timeout + Duration(1000));

  const std::string timeout = std::to_string(to_ms(options.transaction_timeout));
  ConfPtr conf = make_conf(
      log_options, ClientRole::kProducer,
      {{"transactional.id", options.transactional_id},
       {"transaction.timeout.ms", timeout},
       {"message.timeout.ms", timeout},
       {"enable.idempotence", "true"},
       {"message.max.bytes", "1000000000"},
       {"batch.size", std::to_string(std::clamp<std::int64_t>(batch_limit, 1, 1'000'000))}});
  rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
  rd_kafka_conf_interceptor_add_on_new(conf.get(), "millrace", on_new, &state_->context->watch);
  state_->client =
      Client::start(ClientRole::kProducer, std::move(conf), state_->context, std::move(closing));

  rd_kafka_queue_t* reports = rd_kafka_queue_get_main(state_->client->get());
  rd_kafka_queue_cb_event_enable(reports, on_report_waiting, state_->context.get());
  rd_kafka_queue_destroy(reports);
}

KafkaProducer::~KafkaProducer() {
  state_->context->mailbox()->close();
  state_->client->owner_is_gone();
}

void KafkaProducer::submit_init(OperationId id) {
  thread_.run([state = state_, id] { state->init(id); });
}

SinkTopic KafkaProducer::topic(std::string_view name) {
  if (const auto known = topics_.find(name); known != topics_.end()) return known->second;
  ProducerContext& context = *state_->context;
  const SinkTopic index(static_cast<std::int32_t>(context.sinks.size()));
  context.sinks.push_back(std::make_unique<Sink>());
  Sink& sink = *context.sinks.back();
  sink.name = name;

  rd_kafka_topic_conf_t* conf = rd_kafka_default_topic_conf_dup(state_->client->get());
  rd_kafka_topic_conf_set_opaque(conf, &sink);
  state_->handles.push_back(rd_kafka_topic_new(state_->client->get(), sink.name.c_str(), conf));
  topics_.emplace(sink.name, index);
  return index;
}

Status KafkaProducer::begin() {
  rd_kafka_poll(state_->client->get(), 0);
  if (!state_->poisoned.empty())
    return Status::fenced("begin: the producer must be replaced: " + state_->poisoned);
  if (rd_kafka_error_t* error = rd_kafka_begin_transaction(state_->client->get())) {
    const std::string why = std::string("begin: ") + rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
    state_->poison(why);
    return Status::fenced(why);
  }
  ++state_->context->transaction;
  state_->context->failure.clear();
  return Status::success();
}

SendResult KafkaProducer::send(SinkTopic topic, Partition partition, const OutgoingRecord& record) {
  ProducerContext& context = *state_->context;
  rd_kafka_t* client = state_->client->get();
  if (--sends_until_serve_ <= 0) {
    sends_until_serve_ = kSendsPerServe;
    rd_kafka_poll(client, 0);
  }
  const auto index = static_cast<std::size_t>(topic.value());
  rd_kafka_vu_t arguments[8];
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = state_->handles[index];
  arguments[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  arguments[1].u.i32 = partition.value();
  arguments[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[2].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  // librdkafka takes 0 for "now"; a millisecond is the smaller lie.
  arguments[3].u.i64 = std::max<std::int64_t>(1, to_ms(record.timestamp));
  arguments[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
  arguments[4].u.ptr = reinterpret_cast<void*>(static_cast<std::intptr_t>(context.transaction));
  set_bytes(arguments[5], RD_KAFKA_VTYPE_KEY, record.key);
  set_bytes(arguments[6], RD_KAFKA_VTYPE_VALUE, record.value);
  std::size_t count = 7;
  rd_kafka_headers_t* headers = nullptr;
  if (!record.headers->empty()) {
    headers = copy_of(*record.headers);
    arguments[count].vtype = RD_KAFKA_VTYPE_HEADERS;
    arguments[count++].u.headers = headers;
  }

  rd_kafka_error_t* error = rd_kafka_produceva(client, arguments, count);
  if (error == nullptr) {
    ++context.outstanding;
    return SendResult::kSent;
  }
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  const int code = rd_kafka_error_code(error);
  const bool full = code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
  const std::string why = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  if (full) {
    // Asked for before the look, so that a report that comes between the two is not missed.
    context.room_wanted = true;
    if (rd_kafka_poll(client, 0) > 0) context.mailbox()->wake();
    return SendResult::kFull;
  }
  context.failed(*context.sinks[index], partition.value(), why, refusal_of(code));
  return SendResult::kSent;
}

void KafkaProducer::submit_flush(OperationId id) {
  thread_.run([state = state_, id] { state->flush(id); });
}

void KafkaProducer::submit_commit(OperationId id, std::vector<OffsetToCommit> offsets,
                                  FencingToken token) {
  // Of members in this process the broker knows nothing: their tokens are checked here, and it is
  // told none. A token that is not good here it refuses, having no such member either.
  if (groups_->check(token).ok()) token = {.group = std::move(token.group)};
  thread_.run([state = state_, id, offsets = std::move(offsets), token = std::move(token)] {
    state->commit(id, offsets, token);
  });
}

void KafkaProducer::submit_abort(OperationId id) {
  thread_.run([state = state_, id] { state->abort(id); });
}

}  // namespace millrace::log
