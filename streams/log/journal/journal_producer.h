// A producer: records are encoded on its worker's thread, without a lock, and given their offsets by
// the flush.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/journal/journal_state.h"
#include "log/log.h"

namespace millrace::log::journal {

class JournalProducer final : public LogProducer {
 public:
  JournalProducer(JournalState& state, ProducerOptions options, Inbox& inbox);
  // What is open stays so until its id is initialised again or its time is over, as on a broker; a
  // commit that is under way goes on.
  ~JournalProducer() override;

  Epoch epoch() const override { return epoch_; }
  void submit_init(OperationId id) override;
  SinkTopic topic(std::string_view name) override;
  Status begin() override;
  SendResult send(SinkTopic topic, Partition partition, const OutgoingRecord& record) override;
  void submit_flush(OperationId id) override;
  void submit_commit(OperationId id, std::vector<OffsetToCommit> offsets,
                     FencingToken token) override;
  void submit_abort(OperationId id) override;

 private:
  enum class State { kNew, kReady, kOpen, kMustAbort, kCommitting };

  struct Sink {
    std::string name;
    std::shared_ptr<LiveTopic> topic;      // nullptr: not looked up yet, or missing
    std::vector<RecordEncoder> unflushed;  // by partition, as far as written to
  };
  struct Dirty {
    SinkTopic sink;
    Partition partition;
  };

  bool has_transaction() const { return state_ == State::kOpen || state_ == State::kMustAbort; }
  Sink& sink(SinkTopic topic) { return sinks_[static_cast<std::size_t>(topic.value())]; }
  RecordEncoder& unflushed(const Dirty& dirty) {
    return sink(dirty.sink).unflushed[static_cast<std::size_t>(dirty.partition.value())];
  }
  Status check(Sink& sink, Partition partition, const OutgoingRecord& record, Timestamp now) const;
  RecordEncoder& encoder(SinkTopic topic, Partition partition);
  void delivery_failed(const Sink& sink, Partition partition, Status why,
                       Refusal refusal = Refusal::kPassing);
  void drop_unflushed();

  // With the journal's mutex held.
  void look_up_topic(Sink& sink) const;
  Status alive();
  void append_unflushed();
  FlushDone flushed() const;
  void complete(OperationId id, Status status, decltype(Event::what) what = Done{});

  JournalState& journal_;
  const ProducerOptions options_;
  Inbox& inbox_;
  const Epoch epoch_;
  State state_ = State::kNew;
  Status dead_;  // why nothing succeeds any more; success: alive
  Coordinator::Seat seat_;
  std::vector<Sink> sinks_;   // by SinkTopic
  std::vector<Dirty> dirty_;  // that have unflushed records
  std::size_t bytes_ = 0;     // of the transaction's records, about
};

}  // namespace millrace::log::journal
