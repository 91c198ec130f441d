// What the cases of the suite are written with. Everything that waits has a deadline; one that
// passes throws, which fails the case with what it waited for.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/log_under_test.h"

namespace millrace::conformance {

using namespace millrace::log;  // NOLINT(google-build-using-namespace): the suite speaks of nothing
                                // else

// A record that was read, with bytes of its own.
struct Row {
  Offset offset;
  OptionalBytes key;
  OptionalBytes value;
  Timestamp timestamp;
  Headers headers;
};

class LogConformance;

// One partition that is read.
class Tail {
 public:
  Tail(LogConformance& test, std::shared_ptr<LogReader> reader, const TopicPartition& where,
       Offset from);

  // Effect: waits until so many records were read in all.
  const std::vector<Row>& until_rows(std::size_t count);

  // Effect: waits until the position is at least this.
  const std::vector<Row>& until_position(Offset at_least);

  // Effect: waits for the next end after this call (or, if the reader stands there, for nothing).
  Offset until_end();

  // Effect: lets time pass and reads what comes.
  const std::vector<Row>& after(Duration time);

  std::vector<std::string> values() const;
  void stop();
  Offset position() const { return reader_->position(index_); }
  bool caught_up() const { return reader_->caught_up(index_); }

  std::vector<Row> rows;
  std::vector<Offset> ends;            // of EndReached, in order
  std::optional<Offset> out_of_range;  // OffsetOutOfRange
  std::optional<Status> failed;        // ReadFailed
  std::size_t batch = 1000;            // records a drain takes at most; 0: none

 private:
  friend class LogConformance;
  bool drain();

  LogConformance& test_;
  std::shared_ptr<LogReader> reader_;
  ReaderPartition index_;
  bool stopped_ = false;
  RecordBatch records_;
};

// A producer whose operations are waited for.
class Writer {
 public:
  Writer(LogConformance& test, ProducerOptions options);

  Status init();
  Status begin() { return producer_->begin(); }
  // Effect: sends, waiting while the log has no room.
  void send(const TopicPartition& where, const OutgoingRecord& record);
  void send(const TopicPartition& where, std::string_view value);
  Status flush();  // `written` is what it said
  Status commit(std::vector<OffsetToCommit> offsets = {}, FencingToken token = {});
  Status abort();

  // Effect: begins, sends the values, flushes, commits. Throws unless all succeeds.
  void commit_values(const TopicPartition& where, const std::vector<std::string>& values);

  LogProducer& operator*() { return *producer_; }
  LogProducer* operator->() { return producer_.get(); }
  void destroy() { producer_.reset(); }

  std::vector<WrittenRange> written;
  std::vector<DeliveryFailed> failures;

 private:
  friend class LogConformance;
  LogConformance& test_;
  std::unique_ptr<LogProducer> producer_;
  Epoch epoch_;
};

// The fixture: one log, one inbox, one admin for each case.
class LogConformance : public testing::TestWithParam<LogKind> {
 protected:
  void SetUp() override;
  void TearDown() override;

 public:
  // Effect: a new topic of a name that no other case uses.
  std::string topic(std::int32_t partitions = 1, std::map<std::string, std::string> config = {});
  TopicPartition partition(std::map<std::string, std::string> config = {}) {
    return {topic(1, std::move(config)), Partition(0)};
  }

  // A name that no other case and no other run uses.
  std::string unique(std::string_view what);

  // A producer that is ready. Without an id: one of its own.
  Writer& writer(std::string id = "", Duration transaction_timeout = Duration(10'000));
  Writer& raw_writer(std::string id,
                     Duration transaction_timeout = Duration(10'000));  // without init

  Tail& read(const TopicPartition& where, Offset from = Offset(0),
             Isolation isolation = Isolation::kReadCommitted);
  Tail& read_with(std::shared_ptr<LogReader> reader, const TopicPartition& where, Offset from);
  std::shared_ptr<LogReader> reader(Isolation isolation = Isolation::kReadCommitted);

  // The records of a partition that a new reader sees up to the end.
  std::vector<std::string> all(const TopicPartition& where,
                               Isolation isolation = Isolation::kReadCommitted);

  OperationId next_id() { return OperationId(++last_id_); }
  LogAdmin& admin() { return *admin_; }
  Event wait(OperationId id);
  Status done(OperationId id) { return wait(id).status; }
  template <class Answer>
  Answer answer(OperationId id) {
    Event event = wait(id);
    if (!event.status.ok()) throw std::runtime_error(event.status.message());
    return std::get<Answer>(event.what);
  }
  Offset list_offset(OffsetKind kind, const TopicPartition& where);
  CommittedOffset committed(const std::string& group, const TopicPartition& where);
  // Effect: asks again while the offset is not stable.
  CommittedOffset stable(const std::string& group, const TopicPartition& where);
  Status delete_below(const TopicPartition& where, Offset offset);

  void wait_until(const std::string& what, const std::function<bool()>& condition,
                  Duration at_most = Duration(25'000));
  void pass(Duration time);
  LogUnderTest& under() { return *under_; }
  Inbox& inbox() { return inbox_; }

  std::deque<Event> others;                // events of memberships
  std::vector<ReaderPartition> unclaimed;  // whose events came for no tail

 private:
  void pump();
  void dispatch(Event event);

  std::unique_ptr<LogUnderTest> under_;
  Inbox inbox_;
  std::unique_ptr<LogAdmin> admin_;
  std::vector<std::unique_ptr<Writer>> writers_;
  std::vector<std::unique_ptr<Tail>> tails_;
  std::map<OperationId, Event> answers_;
  std::int64_t last_id_ = 0;
  int names_ = 0;
};

// Cases of groups.
class GroupConformance : public LogConformance {};

inline bool has_code(const Status& status, Consequence consequence) {
  return status.consequence() == consequence;
}

}  // namespace millrace::conformance
