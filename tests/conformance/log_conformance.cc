#include "conformance/log_conformance.h"

#include <random>
#include <stdexcept>

namespace millrace::conformance {

// ------------------------------------------------------------------------------------------- Tail

Tail::Tail(LogConformance& test, std::shared_ptr<LogReader> reader, const TopicPartition& where,
           Offset from)
    : test_(test), reader_(std::move(reader)), index_(reader_->start(where, from)) {}

bool Tail::drain() {
  if (stopped_ || batch == 0) return false;
  reader_->drain(index_, batch, records_);
  for (const RecordView& r : records_) {
    const auto own = [](const OptionalBytesView& b) {
      return b ? OptionalBytes(*b) : std::nullopt;
    };
    rows.push_back({r.offset, own(r.key), own(r.value), r.timestamp, *r.headers});
  }
  return !records_.empty();
}

const std::vector<Row>& Tail::until_rows(std::size_t count) {
  test_.wait_until(std::to_string(count) + " records", [&] { return rows.size() >= count; });
  return rows;
}

const std::vector<Row>& Tail::until_position(Offset at_least) {
  test_.wait_until("position " + std::to_string(at_least.value()),
                   [&] { return position() >= at_least; });
  return rows;
}

Offset Tail::until_end() {
  test_.wait_until("the end of the partition", [&] { return caught_up() && !ends.empty(); });
  return ends.back();
}

const std::vector<Row>& Tail::after(Duration time) {
  test_.pass(time);
  return rows;
}

std::vector<std::string> Tail::values() const {
  std::vector<std::string> values;
  for (const Row& row : rows) values.push_back(row.value.value_or("(null)"));
  return values;
}

void Tail::stop() {
  records_.clear();
  reader_->stop(index_);
  stopped_ = true;
}

// ----------------------------------------------------------------------------------------- Writer

Writer::Writer(LogConformance& test, ProducerOptions options)
    : test_(test),
      producer_(test.under().log().make_producer(std::move(options), test.inbox())),
      epoch_(producer_->epoch()) {}

Status Writer::init() {
  const OperationId id = test_.next_id();
  producer_->submit_init(id);
  return test_.done(id);
}

void Writer::send(const TopicPartition& where, const OutgoingRecord& record) {
  const SinkTopic sink = producer_->topic(where.topic);
  test_.wait_until("room to send", [&] {
    return producer_->send(sink, where.partition, record) == SendResult::kSent;
  });
}

void Writer::send(const TopicPartition& where, std::string_view value) {
  send(where, {.key = BytesView("key"), .value = value, .timestamp = from_ms(1'600'000'000'000)});
}

Status Writer::flush() {
  const OperationId id = test_.next_id();
  producer_->submit_flush(id);
  Event event = test_.wait(id);
  written = std::get<FlushDone>(event.what).written;
  return event.status;
}

Status Writer::commit(std::vector<OffsetToCommit> offsets, FencingToken token) {
  const OperationId id = test_.next_id();
  producer_->submit_commit(id, std::move(offsets), std::move(token));
  return test_.done(id);
}

Status Writer::abort() {
  const OperationId id = test_.next_id();
  producer_->submit_abort(id);
  return test_.done(id);
}

void Writer::commit_values(const TopicPartition& where, const std::vector<std::string>& values) {
  const auto must = [](const Status& status) {
    if (!status.ok()) throw std::runtime_error(status.message());
  };
  must(begin());
  for (const std::string& value : values) send(where, value);
  must(flush());
  must(commit());
}

// ------------------------------------------------------------------------------------
// LogConformance

void LogConformance::SetUp() {
  const LogKind& kind = GetParam();
  if (kind.is_broker && test_brokers().empty()) {
    if (in_ci())
      FAIL() << "CI=true and MILLRACE_TEST_BROKERS is not set: nothing ran on the broker";
    GTEST_SKIP() << "MILLRACE_TEST_BROKERS is not set: NOT RUN ON THE BROKER";
  }
  under_ = kind.make();
  admin_ = under_->log().make_admin(inbox_);
}

void LogConformance::TearDown() {
  tails_.clear();
  writers_.clear();
  admin_.reset();
  under_.reset();
}

std::string LogConformance::unique(std::string_view what) {
  static const std::string run = [] {
    std::random_device random;
    return std::to_string(random() % 1'000'000'000);
  }();
  std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  name = name.substr(0, name.find('/'));
  return run + "-" + name + "-" + std::string(what) + "-" + std::to_string(++names_);
}

std::string LogConformance::topic(std::int32_t partitions,
                                  std::map<std::string, std::string> config) {
  const std::string name = unique("topic");
  // Records of these cases are old, and a log that keeps time would delete them at any moment.
  config.try_emplace("retention.ms", "-1");
  const OperationId id = next_id();
  admin_->submit_create_topics(id, {{name, partitions, std::move(config)}});
  if (Status status = done(id); !status.ok()) throw std::runtime_error(status.message());
  return name;
}

Writer& LogConformance::raw_writer(std::string id, Duration transaction_timeout) {
  writers_.push_back(
      std::make_unique<Writer>(*this, ProducerOptions{.transactional_id = std::move(id),
                                                      .transaction_timeout = transaction_timeout}));
  return *writers_.back();
}

Writer& LogConformance::writer(std::string id, Duration transaction_timeout) {
  Writer& made = raw_writer(id.empty() ? unique("producer") : std::move(id), transaction_timeout);
  if (Status status = made.init(); !status.ok()) throw std::runtime_error(status.message());
  return made;
}

std::shared_ptr<LogReader> LogConformance::reader(Isolation isolation) {
  return under_->log().make_reader({.isolation = isolation}, inbox_);
}

Tail& LogConformance::read_with(std::shared_ptr<LogReader> reader, const TopicPartition& where,
                                Offset from) {
  tails_.push_back(std::make_unique<Tail>(*this, std::move(reader), where, from));
  return *tails_.back();
}

Tail& LogConformance::read(const TopicPartition& where, Offset from, Isolation isolation) {
  return read_with(reader(isolation), where, from);
}

std::vector<std::string> LogConformance::all(const TopicPartition& where, Isolation isolation) {
  const Offset end = list_offset(OffsetKind::kEnd, where);
  Tail& tail = read(where, list_offset(OffsetKind::kStart, where), isolation);
  tail.until_position(end);
  std::vector<std::string> values = tail.values();
  tail.stop();
  return values;
}

Event LogConformance::wait(OperationId id) {
  wait_until("the completion of an operation", [&] { return answers_.contains(id); });
  Event event = std::move(answers_.at(id));
  answers_.erase(id);
  return event;
}

Offset LogConformance::list_offset(OffsetKind kind, const TopicPartition& where) {
  const OperationId id = next_id();
  admin_->submit_list_offsets(id, kind, {where});
  return answer<OffsetsListed>(id).offsets.at(0).offset;
}

CommittedOffset LogConformance::committed(const std::string& group, const TopicPartition& where) {
  const OperationId id = next_id();
  admin_->submit_committed_offsets(id, group, {where});
  return answer<OffsetsCommitted>(id).offsets.at(0);
}

CommittedOffset LogConformance::stable(const std::string& group, const TopicPartition& where) {
  CommittedOffset found;
  wait_until("a stable offset", [&] {
    found = committed(group, where);
    return found.stable;
  });
  return found;
}

Status LogConformance::delete_below(const TopicPartition& where, Offset offset) {
  const OperationId id = next_id();
  admin_->submit_delete_records(id, {{where, offset}});
  return done(id);
}

void LogConformance::wait_until(const std::string& what, const std::function<bool()>& condition,
                                Duration at_most) {
  const Duration deadline = under_->now() + at_most;
  for (;;) {
    pump();
    if (condition()) return;
    if (under_->now() >= deadline) throw std::runtime_error("waited in vain for " + what);
    under_->go_on(inbox_);
  }
}

void LogConformance::pass(Duration time) {
  const Duration until = under_->now() + time;
  while (under_->now() < until) {
    pump();
    under_->go_on(inbox_);
  }
  pump();
}

// Effect: takes what has arrived, from all readers and the inbox.
void LogConformance::pump() {
  for (std::size_t i = 0; i < tails_.size(); ++i) {
    while (tails_[i]->drain()) {
    }
  }
  Event event;
  while (inbox_.pop(event)) dispatch(std::move(event));
}

void LogConformance::dispatch(Event event) {
  if (event.operation != kNoOperation) {
    EXPECT_FALSE(answers_.contains(event.operation)) << "an operation that completed twice";
    answers_[event.operation] = std::move(event);
    return;
  }
  if (const auto* failed = std::get_if<DeliveryFailed>(&event.what)) {
    for (const auto& writer : writers_) {
      if (writer->epoch_ == event.epoch) writer->failures.push_back(*failed);
    }
    return;
  }
  const auto tail_of = [&](ReaderPartition index) -> Tail* {
    for (const auto& tail : tails_) {
      if (tail->reader_->epoch() == event.epoch && tail->index_ == index && !tail->stopped_)
        return tail.get();
    }
    unclaimed.push_back(index);
    return nullptr;
  };
  Tail* tail = nullptr;
  if (const auto* end = std::get_if<EndReached>(&event.what)) {
    if ((tail = tail_of(end->partition)) != nullptr) tail->ends.push_back(end->offset);
  } else if (const auto* range = std::get_if<OffsetOutOfRange>(&event.what)) {
    if ((tail = tail_of(range->partition)) != nullptr) tail->out_of_range = range->requested;
  } else if (const auto* read = std::get_if<ReadFailed>(&event.what)) {
    if ((tail = tail_of(read->partition)) != nullptr) tail->failed = event.status;
  } else {
    others.push_back(std::move(event));
  }
}

}  // namespace millrace::conformance
