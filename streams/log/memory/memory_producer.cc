#include "log/memory/memory_producer.h"

#include <algorithm>
#include <utility>

#include "millrace/detail/assert.h"

namespace millrace::log::memory {

namespace {
constexpr std::size_t kHostileBuffer = std::size_t{16} << 10;
}

MemoryProducer::MemoryProducer(ProducerOptions options, Broker& broker, Inbox& inbox)
    : Actor(broker.schedule),
      options_(std::move(options)),
      broker_(broker),
      inbox_(inbox),
      coordinator_(broker.transactions.find(options_.transactional_id)),
      epoch_(broker.next_epoch()),
      most_buffered_(broker.hostility.shuffles()
                         ? std::min(kHostileBuffer, broker.options.producer_buffer_bytes)
                         : broker.options.producer_buffer_bytes) {}

MemoryProducer::~MemoryProducer() {
  if (!operation_ || !dead_.ok() || state_ != State::kOpen || !broker_.hostility.shuffles()) return;
  auto* commit = std::get_if<Commit>(&operation_->what);
  if (commit == nullptr) return;
  ++broker_.hostility.counts().unknown_outcomes;
  if (broker_.hostility.random().one_in(2)) {
    broker_.transactions.commit_late(coordinator_, producer_epoch_, std::move(commit->offsets),
                                     std::move(commit->token));
  }
}

SinkTopic MemoryProducer::topic(std::string_view name) {
  const auto found = std::ranges::find(sinks_, name, &Sink::name);
  const SinkTopic sink(static_cast<std::int32_t>(found - sinks_.begin()));
  if (found == sinks_.end())
    sinks_.push_back({.name = std::string(name), .topic = {}, .written = {}});
  return sink;
}

void MemoryProducer::submit_init(OperationId id) {
  MILLRACE_ASSERT(state_ == State::kNew, "a producer is initialised twice");
  submit(id, Init{});
}

void MemoryProducer::submit_flush(OperationId id) {
  MILLRACE_ASSERT(!dead_.ok() || has_transaction(), "a flush outside a transaction");
  submit(id, Flush{});
}

void MemoryProducer::submit_commit(OperationId id, std::vector<OffsetToCommit> offsets,
                                   FencingToken token) {
  MILLRACE_ASSERT(!dead_.ok() || has_transaction(), "a commit outside a transaction");
  MILLRACE_ASSERT(buffer_.empty() || state_ != State::kOpen, "a commit before the flush");
  submit(id, Commit{std::move(offsets), std::move(token)});
}

void MemoryProducer::submit_abort(OperationId id) {
  MILLRACE_ASSERT(!dead_.ok() || has_transaction(), "an abort outside a transaction");
  submit(id, Abort{});
}

Status MemoryProducer::begin() {
  if (!dead_.ok()) return dead_;
  MILLRACE_ASSERT(state_ == State::kReady && !operation_,
                  "a transaction begins inside another or before init");
  state_ = State::kOpen;
  ++serial_;
  touched_.clear();
  has_sequence_gap_ = false;
  return Status::success();
}

SendResult MemoryProducer::send(SinkTopic topic, Partition partition,
                                const OutgoingRecord& record) {
  MILLRACE_ASSERT(record.timestamp >= Timestamp{}, "a record with a negative timestamp");
  MILLRACE_ASSERT(!dead_.ok() || (has_transaction() && !operation_),
                  "a record outside a transaction");
  if (!dead_.ok() || state_ == State::kMustAbort) return SendResult::kSent;  // the flush will tell
  const std::size_t bytes =
      (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  if (!buffer_.empty() && buffer_.bytes() + bytes > most_buffered_) return SendResult::kFull;
  buffer_.add(topic, partition, record);
  wake();
  return SendResult::kSent;
}

void MemoryProducer::submit(OperationId id, std::variant<Init, Flush, Commit, Abort> what) {
  MILLRACE_ASSERT(!operation_, "a producer has one operation under way at a time");
  operation_ = Operation{id, std::move(what)};
  wake();
}

void MemoryProducer::complete(Status status, decltype(Event::what) what) {
  const OperationId id = std::exchange(operation_, std::nullopt)->id;
  inbox_.push({epoch_, id, std::move(status), std::move(what)});
}

void MemoryProducer::act() {
  if (coordinator_.ending()) {  // a broker says CONCURRENT_TRANSACTIONS, and the client asks again
    wake();
    return;
  }
  if (state_ != State::kNew && dead_.ok() && !coordinator_.is_current(producer_epoch_))
    dead_ = fenced_status();
  const bool aborts = operation_ && std::holds_alternative<Abort>(operation_->what);
  if (aborts || !dead_.ok()) buffer_.clear();
  if (!buffer_.empty()) deliver();
  if (!buffer_.empty()) {
    wake();
    return;
  }
  if (!operation_) return;
  std::visit([this](auto& what) { perform(what); }, operation_->what);
}

// --- delivery ----------------------------------------------------------------------------------

void MemoryProducer::deliver() {
  Hostility& hostility = broker_.hostility;
  std::size_t count = buffer_.size();
  std::size_t failing = count;
  bool heals = false;
  if (hostility.options().is_hostile()) {
    if (touched_.empty()) broker_.groups.disturb();
    if (hostility.shuffles()) count = 1 + hostility.random().below(count);
    if (std::exchange(sequence_broken_, false)) {
      failing = 0;
      heals = true;
    } else if (hostility.strikes(hostility.options().one_in_delivery_failure,
                                 coordinator_.faults())) {
      ++hostility.counts().delivery_failures;
      failing = hostility.random().below(count);
    }
  }
  for (std::size_t i = 0; i < count; ++i) deliver(buffer_[i], i == failing);
  buffer_.drop_front(count);
  if (heals) has_sequence_gap_ = false;
  for (const Touched& t : touched_) {
    const Sink& sink = sinks_[static_cast<std::size_t>(t.sink.value())];
    if (sink.topic && !sink.topic->removed()) sink.topic->partition(t.partition)->tell_watchers();
  }
}

void MemoryProducer::deliver(const SendBuffer::Item& item, bool must_fail) {
  Sink& sink = sinks_[static_cast<std::size_t>(item.sink.value())];
  MemoryPartition* partition = find_partition(sink, item.partition);
  if (partition == nullptr) {
    delivery_failed(item, Status::abort("there is no such topic or partition: " + sink.name),
                    Refusal::kTopic);
    return;
  }
  Written& written = touch(item);
  if (written.failed) return;
  const OutgoingRecord record = buffer_.record(item);
  const Timestamp now = broker_.clock.now();
  Status refused = sink.topic->check(record, now);
  const Refusal refusal = refused.ok() ? Refusal::kPassing : Refusal::kRecord;
  if (must_fail && refused.ok())
    refused = Status::abort("a record for topic " + sink.name + " was not delivered in time");
  if (!refused.ok()) {
    written.failed = true;
    delivery_failed(item, std::move(refused), refusal);
    return;
  }
  written.last = partition->append(record, sink.topic->stamp(record, now), coordinator_.number());
  if (written.first == kNoOffset) written.first = written.last;
}

MemoryPartition* MemoryProducer::find_partition(Sink& sink, Partition p) {
  if (!sink.topic || sink.topic->removed()) {
    sink.topic = broker_.topics.find(sink.name);
    sink.written.clear();
  }
  return sink.topic ? sink.topic->partition(p) : nullptr;
}

// Effect: makes the partition a part of the transaction.
MemoryProducer::Written& MemoryProducer::touch(const SendBuffer::Item& item) {
  Sink& sink = sinks_[static_cast<std::size_t>(item.sink.value())];
  const auto p = static_cast<std::size_t>(item.partition.value());
  if (sink.written.size() <= p) sink.written.resize(p + 1);
  Written& written = sink.written[p];
  if (written.serial != serial_) {
    written = {.serial = serial_};
    touched_.push_back({item.sink, item.partition});
    coordinator_.add_partition(sink.topic, item.partition);
  }
  return written;
}

void MemoryProducer::delivery_failed(const SendBuffer::Item& item, Status why, Refusal refusal) {
  has_sequence_gap_ = true;
  state_ = State::kMustAbort;
  const Sink& sink = sinks_[static_cast<std::size_t>(item.sink.value())];
  inbox_.push(
      {epoch_, kNoOperation, std::move(why), DeliveryFailed{{sink.name, item.partition}, refusal}});
}

}  // namespace millrace::log::memory
