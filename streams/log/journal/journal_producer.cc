#include "log/journal/journal_producer.h"

#include <algorithm>
#include <utility>

#include "millrace/detail/assert.h"
#include "millrace/detail/text.h"

namespace millrace::log::journal {

namespace {

constexpr Duration kLongestTransaction{900'000};  // Kafka's transaction.max.timeout.ms

// Records of a flush below this are copied and their buffer is used again: it stays in the processor's
// cache, and what is kept has no room to spare. (A fresh buffer grows by copies into fresh pages: twice
// the time of a record.)
constexpr std::size_t kCopied = std::size_t{256} << 10;

std::shared_ptr<const FlushedRecords> take(RecordEncoder& records) {
  if (records.bytes().size() > kCopied)
    return std::make_shared<const FlushedRecords>(std::exchange(records, RecordEncoder()));
  auto copy = std::make_shared<const FlushedRecords>(records);
  records.clear();
  return copy;
}

}  // namespace

JournalProducer::JournalProducer(JournalState& state, ProducerOptions options, Inbox& inbox)
    : journal_(state), options_(std::move(options)), inbox_(inbox), epoch_(state.next_epoch()) {}

JournalProducer::~JournalProducer() {
  const std::lock_guard lock(journal_.mutex);
  journal_.transactions.forget(epoch_);
}

void JournalProducer::complete(OperationId id, Status status, decltype(Event::what) what) {
  inbox_.push({epoch_, id, std::move(status), std::move(what)});
}

void JournalProducer::submit_init(OperationId id) {
  MILLRACE_ASSERT(state_ == State::kNew, "a producer is initialised twice");
  if (options_.transaction_timeout <= Duration(0) ||
      options_.transaction_timeout > kLongestTransaction) {
    complete(id, Status::fatal("the transaction time-out is not between 1 ms and 15 min"));
    return;
  }
  {
    const std::lock_guard lock(journal_.mutex);
    if (!journal_.failure.ok()) {
      complete(id, journal_.failure);
      return;
    }
    state_ = State::kReady;
    seat_ = journal_.transactions.init(options_.transactional_id, options_.transaction_timeout,
                                       {&inbox_, epoch_, id});
  }
  journal_.writer_wanted.notify_one();
}

SinkTopic JournalProducer::topic(std::string_view name) {
  const auto found = std::ranges::find(sinks_, name, &Sink::name);
  const SinkTopic topic(static_cast<std::int32_t>(found - sinks_.begin()));
  if (found == sinks_.end())
    sinks_.push_back({.name = std::string(name), .topic = {}, .unflushed = {}});
  return topic;
}

// Success, or why nothing succeeds any more.
Status JournalProducer::alive() {
  if (dead_.ok()) dead_ = journal_.failure;
  if (dead_.ok() && state_ != State::kNew && !Coordinator::is_current(seat_)) {
    dead_ = Status::fenced("a newer producer has transactional id " + options_.transactional_id +
                           ", or its transaction was open for longer than " +
                           detail::human_duration(options_.transaction_timeout));
  }
  return dead_;
}

Status JournalProducer::begin() {
  {
    const std::lock_guard lock(journal_.mutex);
    Status status = alive();
    if (!status.ok()) return status;
    if (state_ == State::kCommitting && !seat_.id->committing) state_ = State::kReady;
  }
  MILLRACE_ASSERT(state_ == State::kReady, "a transaction begins inside another or before init");
  state_ = State::kOpen;
  bytes_ = 0;
  return Status::success();
}

// --- records -------------------------------------------------------------------------------------

SendResult JournalProducer::send(SinkTopic topic, Partition partition,
                                 const OutgoingRecord& record) {
  MILLRACE_ASSERT(record.timestamp >= Timestamp{}, "a record with a negative timestamp");
  // The transaction is lost already: whoever sends learns it from the flush.
  if (!dead_.ok() || state_ == State::kMustAbort) return SendResult::kSent;
  MILLRACE_ASSERT(state_ == State::kOpen, "a record outside a transaction");
  Sink& to = sink(topic);
  if (!to.topic || to.topic->removed()) {
    const std::lock_guard lock(journal_.mutex);
    look_up_topic(to);
  }
  const Timestamp now =
      to.topic && to.topic->config().needs_time() ? journal_.clock.now() : Timestamp{};
  Status refused = check(to, partition, record, now);
  if (!refused.ok()) {
    const bool exists =
        to.topic && partition >= Partition(0) && partition < Partition(to.topic->partitions());
    delivery_failed(to, partition, std::move(refused), exists ? Refusal::kRecord : Refusal::kTopic);
    return SendResult::kSent;
  }
  RecordEncoder& into = encoder(topic, partition);
  into.add(into.records(), record.key, record.value,
           to.topic->config().stamps_itself ? now : record.timestamp, *record.headers);
  return SendResult::kSent;
}

void JournalProducer::look_up_topic(Sink& sink) const {
  sink.topic = journal_.topics.find(sink.name);
}

Status JournalProducer::check(Sink& sink, Partition partition, const OutgoingRecord& record,
                              Timestamp now) const {
  if (!sink.topic || partition < Partition(0) || partition >= Partition(sink.topic->partitions())) {
    return Status::abort("there is no such topic or partition: " +
                         to_string(TopicPartition{sink.name, partition}));
  }
  return check_record(sink.topic->config(), sink.name, record, now);
}

RecordEncoder& JournalProducer::encoder(SinkTopic topic, Partition partition) {
  std::vector<RecordEncoder>& unflushed = sink(topic).unflushed;
  const auto p = static_cast<std::size_t>(partition.value());
  if (unflushed.size() <= p) unflushed.resize(p + 1);
  if (unflushed[p].empty()) dirty_.push_back({topic, partition});
  return unflushed[p];
}

void JournalProducer::delivery_failed(const Sink& sink, Partition partition, Status why,
                                      Refusal refusal) {
  state_ = State::kMustAbort;
  inbox_.push(
      {epoch_, kNoOperation, std::move(why), DeliveryFailed{{sink.name, partition}, refusal}});
}

void JournalProducer::drop_unflushed() {
  for (const Dirty& dirty : dirty_) unflushed(dirty).clear();
  dirty_.clear();
}

// --- operations ----------------------------------------------------------------------------------

void JournalProducer::submit_flush(OperationId id) {
  MILLRACE_ASSERT(!dead_.ok() || has_transaction(), "a flush outside a transaction");
  const std::lock_guard lock(journal_.mutex);
  if (Status status = alive(); !status.ok()) {
    complete(id, std::move(status), FlushDone{});
    return;
  }
  if (state_ == State::kOpen) append_unflushed();
  complete(id,
           state_ == State::kOpen ? Status::success()
                                  : Status::abort("a record of the transaction was not delivered"),
           flushed());
}

void JournalProducer::append_unflushed() {
  for (const Dirty& dirty : dirty_) {
    Sink& to = sink(dirty.sink);
    if (to.topic->removed()) look_up_topic(to);
    LivePartition* partition = to.topic ? to.topic->partition(dirty.partition) : nullptr;
    if (partition == nullptr) {
      delivery_failed(to, dirty.partition,
                      Status::abort("topic " + to.name + " was deleted meanwhile"),
                      Refusal::kTopic);
      return;
    }
    RecordEncoder& records = unflushed(dirty);
    bytes_ += records.bytes().size();
    if (bytes_ > journal_.options.max_transaction_bytes) {
      delivery_failed(
          to, dirty.partition,
          Status::abort("the transaction is longer than embedded.max.transaction.bytes"),
          Refusal::kRecord);  // a part of it fits
      return;
    }
    journal_.transactions.append(seat_, to.topic, dirty.partition, take(records));
    partition->wake_watchers(Isolation::kReadUncommitted);
  }
  dirty_.clear();
}

FlushDone JournalProducer::flushed() const {
  FlushDone done;
  if (!seat_.id->open) return done;
  for (const JournalTransaction::Touched& touched : seat_.id->open->touched) {
    done.written.push_back(
        {{touched.topic->name(), touched.partition}, touched.first, touched.last});
  }
  std::ranges::sort(done.written, {}, &WrittenRange::where);
  return done;
}

void JournalProducer::submit_commit(OperationId id, std::vector<OffsetToCommit> offsets,
                                    FencingToken token) {
  MILLRACE_ASSERT(!dead_.ok() || has_transaction(), "a commit outside a transaction");
  {
    const std::lock_guard lock(journal_.mutex);
    Status status = alive();
    if (status.ok() && state_ == State::kMustAbort) {
      status = Status::abort(
          "a record of the transaction was not delivered, or its commit was refused before");
    } else if (status.ok()) {
      MILLRACE_ASSERT(dirty_.empty(), "a commit before the flush");
      status = journal_.transactions.commit(seat_, offsets, token, {&inbox_, epoch_, id});
      state_ = status.ok() ? State::kCommitting : State::kMustAbort;
    }
    if (!status.ok()) {
      complete(id, std::move(status));
      return;
    }
  }
  journal_.writer_wanted.notify_one();
}

void JournalProducer::submit_abort(OperationId id) {
  MILLRACE_ASSERT(!dead_.ok() || has_transaction() || state_ == State::kCommitting,
                  "an abort outside a transaction");
  drop_unflushed();
  {
    const std::lock_guard lock(journal_.mutex);
    Status status = alive();
    if (status.ok()) {
      journal_.transactions.abort(seat_);
      state_ = State::kReady;
    }
    complete(id, std::move(status));
  }
  journal_.writer_wanted.notify_one();
}

}  // namespace millrace::log::journal
