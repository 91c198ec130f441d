#include "log/kafka/producer_state.h"

#include <algorithm>
#include <utility>

#include "log/kafka/kafka_error.h"
#include "log/kafka/rdkafka_owned.h"

namespace millrace::log {
namespace {

int to_int_ms(Duration d) { return static_cast<int>(to_ms(d)); }

}  // namespace

Sink::Range& Sink::range(std::int32_t partition, std::int64_t transaction) {
  const auto index = static_cast<std::size_t>(partition);
  if (index >= ranges.size()) ranges.resize(index + 1);
  Range& range = ranges[index];
  if (range.transaction != transaction) range = {.transaction = transaction};
  return range;
}

void ProducerContext::delivered(const rd_kafka_message_s& message) noexcept {
  --outstanding;
  const auto of = reinterpret_cast<std::intptr_t>(message._private);
  if (of != transaction) return;
  Sink& sink = *static_cast<Sink*>(rd_kafka_topic_opaque(message.rkt));
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    std::string why = describe_error(message.err);
    if (message.err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT) why += "; Kafka at " + whereabouts();
    failed(sink, message.partition, why, refusal_of(message.err));
  } else if (message.offset < 0) {
    failed(sink, message.partition, "the broker did not say at which offset", Refusal::kPassing);
  } else {
    Sink::Range& range = sink.range(message.partition, transaction);
    const Offset offset(message.offset);
    if (range.first == kNoOffset || offset < range.first) range.first = offset;
    range.last = std::max(range.last, offset);
  }
}

void ProducerContext::failed(Sink& sink, std::int32_t partition, const std::string& why,
                             Refusal refusal) noexcept {
  if (aborting) return;
  // A partition that is not there gets no range of its own.
  if (partition >= 0) {
    Sink::Range& range = sink.range(partition, transaction);
    if (range.failed) return;  // one event for each partition: a batch fails with all its records
    range.failed = true;
  }
  const TopicPartition where{sink.name, Partition(partition)};
  std::string text = "a record for " + to_string(where) + " was not delivered: " + why;
  if (failure.empty()) failure = text;
  mailbox()->post(kNoOperation, Status::abort(std::move(text)), DeliveryFailed{where, refusal});
}

ProducerState::~ProducerState() {
  for (rd_kafka_topic_t* handle : handles) rd_kafka_topic_destroy(handle);
}

void ProducerState::poison(const std::string& why) {
  if (poisoned.empty()) poisoned = why;
}

void ProducerState::finish(OperationId id, Status status, Mailbox::Content what) {
  if (context->watch.in_doubt()) {
    poison(
        "a request of the transaction protocol was sent and never answered; it may still arrive");
  }
  switch (status.consequence()) {
    case Consequence::kFenced:
    case Consequence::kUnknown:
    case Consequence::kFatal:
      poison(status.message());
      break;
    default:
      break;
  }
  context->mailbox()->post(id, std::move(status), std::move(what));
}

void ProducerState::init(OperationId id) {
  Status status = transactional_status(
      "init", rd_kafka_init_transactions(client->get(), to_int_ms(deadline)), *context);
  finish(id, std::move(status), Done{});
}

// Effect: waits until every record has its report.
Status ProducerState::drain() {
  rd_kafka_flush(client->get(), to_int_ms(deadline));
  if (context->outstanding == 0) return Status::success();
  std::string text = "flush: " + std::to_string(context->outstanding) +
                     " records without an answer from Kafka at " + context->whereabouts();
  poison(text);
  return Status::abort(std::move(text));
}

void ProducerState::flush(OperationId id) {
  Status status = drain();
  if (status.ok() && !context->failure.empty()) status = Status::abort(context->failure);
  // After a lost record the next transaction fails too (its sequence numbers have a hole).
  if (!status.ok()) poison(status.message());

  FlushDone done;
  for (const auto& sink : context->sinks) {
    for (std::size_t p = 0; p < sink->ranges.size(); ++p) {
      const Sink::Range& range = sink->ranges[p];
      if (range.transaction != context->transaction || range.first == kNoOffset) continue;
      done.written.push_back(
          {{sink->name, Partition(static_cast<std::int32_t>(p))}, range.first, range.last});
    }
  }
  finish(id, std::move(status), std::move(done));
}

Status ProducerState::send_offsets(const std::vector<OffsetToCommit>& offsets,
                                   const FencingToken& token) {
  const PartitionListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const OffsetToCommit& offset : offsets) {
    rd_kafka_topic_partition_t* entry = add(list, offset.where, offset.next.value());
    if (offset.metadata.empty()) continue;
    entry->metadata = rd_kafka_mem_malloc(nullptr, offset.metadata.size());
    entry->metadata_size = offset.metadata.size();
    std::copy(offset.metadata.begin(), offset.metadata.end(), static_cast<char*>(entry->metadata));
  }
  const GroupMetadataPtr group(rd_kafka_consumer_group_metadata_new_with_genid(
      token.group.c_str(), token.generation, token.member.c_str(), nullptr));
  Status status =
      transactional_status("commit offsets",
                           rd_kafka_send_offsets_to_transaction(client->get(), list.get(),
                                                                group.get(), to_int_ms(deadline)),
                           *context);
  if (status.consequence() != Consequence::kRetry) return status;
  // Nothing is committed without EndTxn; but what was sent may still arrive.
  poison(status.message());
  return Status::abort(status.message());
}

Status ProducerState::commit_transaction() {
  const std::int64_t ends_before = context->watch.ends_sent();
  Status status = transactional_status(
      "commit", rd_kafka_commit_transaction(client->get(), to_int_ms(deadline)), *context);
  if (status.ok()) return status;
  // Whatever the call answered, once the order to commit was sent and not answered (or sent more
  // than once) the broker may have followed it.
  const bool open = context->watch.ends_sent() - ends_before > 1 || context->watch.end_is_open();
  if (open || status.consequence() == Consequence::kRetry) return Status::unknown(status.message());
  return status;
}

void ProducerState::commit(OperationId id, const std::vector<OffsetToCommit>& offsets,
                           const FencingToken& token) {
  Status status;
  if (!context->failure.empty()) status = Status::abort(context->failure);
  if (status.ok() && !offsets.empty()) status = send_offsets(offsets, token);
  if (status.ok()) status = commit_transaction();
  finish(id, std::move(status), Done{});
}

void ProducerState::abort(OperationId id) {
  context->aborting = true;
  // An abort with records still under way, soon after the last transaction, is answered
  // INVALID_TXN_STATE and kills the producer (14 of 100 tries); after a flush it is not.
  Status status = drain();
  if (status.ok()) {
    status = transactional_status(
        "abort", rd_kafka_abort_transaction(client->get(), to_int_ms(deadline)), *context);
  }
  context->aborting = false;
  // An abort that was not answered: the transaction may be open until its time is over, and only a
  // new producer settles that.
  const Consequence c = status.consequence();
  if (c == Consequence::kRetry || c == Consequence::kAbort)
    status = Status::unknown(status.message());
  finish(id, std::move(status), Done{});
}

}  // namespace millrace::log
