#include "log/memory/memory_producer.h"

#include <algorithm>
#include <utility>

#include "millrace/detail/assert.h"

namespace millrace::log::memory {

namespace {

constexpr Duration kLongestTransaction{900'000};  // Kafka's transaction.max.timeout.ms
constexpr std::size_t kHostileBuffer = std::size_t{16} << 10;

Status fenced() {
  return Status::fenced("a newer producer has this transactional id, or its transaction timed out");
}

}  // namespace

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
  delivery_failed_ = false;
  return Status::success();
}

SendResult MemoryProducer::send(SinkTopic topic, Partition partition,
                                const OutgoingRecord& record) {
  MILLRACE_ASSERT(record.timestamp >= Timestamp{}, "a record with a negative timestamp");
  if (!dead_.ok()) return SendResult::kSent;  // the flush will tell
  MILLRACE_ASSERT(has_transaction() && !operation_, "a record outside a transaction");
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
    dead_ = fenced();
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
  if (hostility.options().is_hostile()) {
    if (touched_.empty()) broker_.groups.disturb();
    if (hostility.shuffles()) count = 1 + hostility.random().below(count);
    if (std::exchange(sequence_broken_, false)) {
      failing = 0;
    } else if (hostility.strikes(hostility.options().one_in_delivery_failure,
                                 coordinator_.faults())) {
      ++hostility.counts().delivery_failures;
      failing = hostility.random().below(count);
    }
  }
  for (std::size_t i = 0; i < count; ++i) deliver(buffer_[i], i == failing);
  buffer_.drop_front(count);
  for (const Touched& t : touched_) {
    const Sink& sink = sinks_[static_cast<std::size_t>(t.sink.value())];
    if (sink.topic && !sink.topic->removed()) sink.topic->partition(t.partition)->tell_watchers();
  }
}

void MemoryProducer::deliver(const SendBuffer::Item& item, bool must_fail) {
  Sink& sink = sinks_[static_cast<std::size_t>(item.sink.value())];
  MemoryPartition* partition = find_partition(sink, item.partition);
  if (partition == nullptr) {
    delivery_failed(item, Status::abort("there is no such topic or partition: " + sink.name));
    return;
  }
  Written& written = touch(item);
  if (written.failed) return;
  const OutgoingRecord record = buffer_.record(item);
  const Timestamp now = broker_.clock.now();
  Status refused = sink.topic->check(record, now);
  if (must_fail)
    refused = Status::abort("a record for topic " + sink.name + " was not delivered in time");
  if (!refused.ok()) {
    written.failed = true;
    delivery_failed(item, std::move(refused));
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

void MemoryProducer::delivery_failed(const SendBuffer::Item& item, Status why) {
  delivery_failed_ = true;
  state_ = State::kMustAbort;
  const Sink& sink = sinks_[static_cast<std::size_t>(item.sink.value())];
  inbox_.push({epoch_, kNoOperation, std::move(why), DeliveryFailed{{sink.name, item.partition}}});
}

// --- operations --------------------------------------------------------------------------------

void MemoryProducer::perform(Init) {
  Hostility& hostility = broker_.hostility;
  if (options_.transaction_timeout <= Duration(0) ||
      options_.transaction_timeout > kLongestTransaction) {
    complete(Status::fatal("the transaction time-out is not between 1 ms and 15 min"));
    return;
  }
  if (hostility.strikes(hostility.options().one_in_init_failure, coordinator_.faults())) {
    ++hostility.counts().init_failures;
    complete(Status::retry("the coordinator is loading"));
    return;
  }
  if (coordinator_.number() != kNoTransaction) coordinator_.fence();
  if (coordinator_.ending()) {
    wake();
    return;
  }
  producer_epoch_ = coordinator_.init(options_.transaction_timeout);
  state_ = State::kReady;
  complete(Status::success());
}

void MemoryProducer::perform(Flush) {
  if (dead_.ok()) {
    broker_.groups.disturb();
    struck_by_fence();
  }
  if (!dead_.ok()) {
    complete(dead_, FlushDone{});
  } else if (state_ == State::kMustAbort) {
    complete(Status::abort("a record of the transaction was not delivered"), flushed());
  } else {
    complete(Status::success(), flushed());
  }
}

void MemoryProducer::perform(Commit& commit) {
  Status status = dead_;
  if (dead_.ok() && state_ == State::kMustAbort) {
    status = Status::abort(
        "a record of the transaction was not delivered, or its commit was refused before");
  } else if (dead_.ok()) {
    status = commit_with_faults(commit);
  }
  if (status.ok()) {
    state_ = State::kReady;
    ++broker_.hostility.counts().commits;
    coordinator_.faults().length = 0;
    if (!commit.offsets.empty()) broker_.groups.find(commit.token.group).committed();
  } else if (status.consequence() == Consequence::kAbort) {
    state_ = State::kMustAbort;
  } else if (dead_.ok()) {
    dead_ = status;
  }
  complete(std::move(status));
}

Status MemoryProducer::commit_with_faults(Commit& commit) {
  Hostility& hostility = broker_.hostility;
  const HostileOptions& options = hostility.options();
  broker_.groups.disturb();
  if (struck_by_fence()) return dead_;
  if (hostility.strikes(options.one_in_abort, coordinator_.faults())) {
    ++hostility.counts().aborts;
    Status put = Status::success();
    if (hostility.random().one_in(2)) {
      put = broker_.transactions.put_offsets(coordinator_, producer_epoch_, commit.offsets,
                                             commit.token);
    }
    return put.ok() ? Status::abort("the offsets could not be put in time") : put;
  }
  if (hostility.strikes(options.one_in_unknown, coordinator_.faults()))
    return commit_unknown(commit);
  return broker_.transactions.commit(coordinator_, producer_epoch_, commit.offsets, commit.token);
}

Status MemoryProducer::commit_unknown(Commit& commit) {
  Hostility& hostility = broker_.hostility;
  ++hostility.counts().unknown_outcomes;
  switch (hostility.random().below(4)) {
    case 0:
    case 1: {
      const Status status =
          broker_.transactions.commit(coordinator_, producer_epoch_, commit.offsets, commit.token);
      if (status.ok()) ++hostility.counts().unknown_committed;
      break;
    }
    case 2:
      broker_.transactions.commit_late(coordinator_, producer_epoch_, commit.offsets, commit.token);
      break;
    default:
      break;
  }
  return poison();
}

void MemoryProducer::perform(Abort) {
  Status status = dead_.ok() ? abort_with_faults() : dead_;
  if (status.ok()) {
    state_ = State::kReady;
    const HostileOptions& options = broker_.hostility.options();
    // A failed delivery leaves a gap in the client's sequence numbers that costs it the next
    // transaction as well, as librdkafka shows on a real broker.
    sequence_broken_ = delivery_failed_ && options.one_in_delivery_failure > 0 &&
                       broker_.hostility.random().one_in(2);
  }
  complete(std::move(status));
}

Status MemoryProducer::abort_with_faults() {
  Hostility& hostility = broker_.hostility;
  if (struck_by_fence()) return dead_;
  if (hostility.strikes(hostility.options().one_in_unknown, coordinator_.faults())) {
    ++hostility.counts().unknown_outcomes;
    if (hostility.random().one_in(2)) coordinator_.end(false);
    return poison();
  }
  coordinator_.end(false);
  return Status::success();
}

// Effect, hostile: perhaps the coordinator ends the transaction and fences this producer now.
bool MemoryProducer::struck_by_fence() {
  Hostility& hostility = broker_.hostility;
  if (!hostility.strikes(hostility.options().one_in_fence, coordinator_.faults())) return false;
  ++hostility.counts().fences;
  coordinator_.fence();
  dead_ = fenced();
  return true;
}

// Effect: nothing succeeds on this producer any more. Returns what its operation ends with.
Status MemoryProducer::poison() {
  dead_ = Status::fenced("an earlier operation of this producer has no known outcome");
  return Status::unknown("the answer did not come in time");
}

FlushDone MemoryProducer::flushed() const {
  FlushDone done;
  for (const Touched& t : touched_) {
    const Sink& sink = sinks_[static_cast<std::size_t>(t.sink.value())];
    const auto p = static_cast<std::size_t>(t.partition.value());
    if (p >= sink.written.size() || sink.written[p].first == kNoOffset) continue;
    done.written.push_back({{sink.name, t.partition}, sink.written[p].first, sink.written[p].last});
  }
  std::ranges::sort(done.written, {}, &WrittenRange::where);
  return done;
}

}  // namespace millrace::log::memory
