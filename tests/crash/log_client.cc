#include "crash/log_client.h"

#include "millrace/partitioning.h"

namespace crash {

using namespace millrace;
using namespace millrace::log;

namespace {

constexpr Duration kLongest{60'000};

Duration now() { return SystemClock::instance().monotonic(); }

void check(const Status& status, const char* what) {
  if (!status.ok()) throw std::runtime_error(std::string(what) + ": " + status.message());
}

OptionalBytesView view(const std::optional<std::string>& bytes) {
  return bytes ? OptionalBytesView(*bytes) : std::nullopt;
}

}  // namespace

Event LogClient::wait(OperationId id) {
  const Duration until = now() + kLongest;
  while (now() < until) {
    for (Event event; inbox_.pop(event);) {
      if (event.operation == id) return event;
      if (!event.status.ok()) throw std::runtime_error(event.status.message());
    }
    inbox_.wait(Duration(20));
  }
  throw std::runtime_error("the log does not answer");
}

void LogClient::create_topics(std::vector<NewTopic> topics) {
  const OperationId id = next_id();
  admin_->submit_create_topics(id, std::move(topics));
  check(wait(id).status, "creating topics");
}

Offset LogClient::end(const TopicPartition& where) {
  const OperationId id = next_id();
  admin_->submit_list_offsets(id, OffsetKind::kEnd, {where});
  const Event event = wait(id);
  check(event.status, "listing offsets");
  return std::get<OffsetsListed>(event.what).offsets.at(0).offset;
}

std::optional<std::string> LogClient::last_value(const TopicPartition& where, Offset from,
                                                 Offset end) {
  const auto reader = log_.make_reader({}, inbox_);
  const ReaderPartition index = reader->start(where, from);
  std::optional<std::string> last;
  RecordBatch batch;
  const Duration until = now() + kLongest;
  while (reader->position(index) < end) {
    if (now() >= until) throw std::runtime_error("the log does not come to its end");
    reader->drain(index, 1000, batch);
    for (const RecordView& record : batch) last = std::string(record.value.value_or(""));
    if (batch.empty()) inbox_.wait(Duration(20));
    for (Event event; inbox_.pop(event);) check(event.status, "reading");
  }
  return last;
}

Offset LogClient::committed(const std::string& group, const TopicPartition& where) {
  for (;;) {
    const OperationId id = next_id();
    admin_->submit_committed_offsets(id, group, {where});
    const Event event = wait(id);
    check(event.status, "looking at committed offsets");
    const CommittedOffset& found = std::get<OffsetsCommitted>(event.what).offsets.at(0);
    if (found.stable) return found.offset;
  }
}

void LogClient::become_producer(const std::string& transactional_id) {
  producer_ = log_.make_producer({.transactional_id = transactional_id}, inbox_);
  const OperationId id = next_id();
  producer_->submit_init(id);
  check(wait(id).status, "starting a producer");
}

void LogClient::send(const std::vector<FedRecord>& records, std::int32_t partitions) {
  check(producer_->begin(), "beginning a transaction");
  std::int32_t without_key = 0;
  for (const FedRecord& record : records) {
    const Partition partition = record.topic == "feed" ? Partition(0)
                                : record.key           ? partition_for_key(*record.key, partitions)
                                                       : Partition(without_key++ % partitions);
    const SinkTopic topic = producer_->topic(record.topic);
    while (producer_->send(topic, partition,
                           {.key = view(record.key),
                            .value = view(record.value),
                            .timestamp = Timestamp(Duration(record.timestamp))}) ==
           SendResult::kFull) {
      inbox_.wait(Duration(1));
    }
  }
}

void LogClient::write(const std::vector<FedRecord>& records, std::int32_t partitions) {
  send(records, partitions);
  const OperationId flush = next_id();
  producer_->submit_flush(flush);
  check(wait(flush).status, "flushing");
  const OperationId commit = next_id();
  producer_->submit_commit(commit, {}, {});
  check(wait(commit).status, "committing");
}

void LogClient::write_and_abort(const std::vector<FedRecord>& records, std::int32_t partitions) {
  send(records, partitions);
  const OperationId id = next_id();
  producer_->submit_abort(id);
  check(wait(id).status, "aborting");
}

}  // namespace crash
