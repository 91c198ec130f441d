// A producer: the client's buffer, delivery in the background, and one operation at a time against
// the coordinator.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "log/inbox.h"
#include "log/log.h"
#include "log/memory/broker.h"
#include "log/memory/send_buffer.h"

namespace millrace::log::memory {

class MemoryProducer final : public LogProducer, private Actor {
 public:
  MemoryProducer(ProducerOptions options, Broker& broker, Inbox& inbox);
  // A commit that was under way is lost, or, in hostile mode, may arrive after all.
  ~MemoryProducer() override;

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
  enum class State { kNew, kReady, kOpen, kMustAbort };

  struct Init {};
  struct Flush {};
  struct Commit {
    std::vector<OffsetToCommit> offsets;
    FencingToken token;
  };
  struct Abort {};
  struct Operation {
    OperationId id;
    std::variant<Init, Flush, Commit, Abort> what;
  };

  // What the transaction did in one partition; of an older one where the serial says so.
  struct Written {
    std::int64_t serial = 0;
    Offset first = kNoOffset;  // kNoOffset: no record is in the log
    Offset last = kNoOffset;
    bool failed = false;  // and all that follows
  };
  struct Sink {
    std::string name;
    std::shared_ptr<MemoryTopic> topic;  // nullptr: not looked up yet, or missing
    std::vector<Written> written;        // by partition, as far as written to
  };
  struct Touched {
    SinkTopic sink;
    Partition partition;
  };

  bool has_transaction() const { return state_ == State::kOpen || state_ == State::kMustAbort; }
  void submit(OperationId id, std::variant<Init, Flush, Commit, Abort> what);
  void complete(Status status, decltype(Event::what) what = Done{});
  void act() override;
  void notice_fencing();

  void deliver();
  void deliver(const SendBuffer::Item& item, bool must_fail);
  MemoryPartition* find_partition(Sink& sink, Partition p);
  Written& touch(const SendBuffer::Item& item);
  void delivery_failed(const SendBuffer::Item& item, Status why, Refusal refusal);

  void perform(Init);
  void perform(Flush);
  void perform(Commit& commit);
  void perform(Abort);
  Status commit_with_faults(Commit& commit);
  Status commit_unknown(Commit& commit);
  Status abort_with_faults();
  bool struck_by_fence();
  Status poison();
  FlushDone flushed() const;

  const ProducerOptions options_;
  Broker& broker_;
  Inbox& inbox_;
  TransactionalId& coordinator_;
  const Epoch epoch_;
  State state_ = State::kNew;
  ProducerEpoch producer_epoch_ = -1;
  Status dead_;              // why nothing succeeds any more; success: alive
  std::int64_t serial_ = 0;  // of this producer's transactions
  std::vector<Sink> sinks_;  // by SinkTopic
  std::vector<Touched> touched_;
  SendBuffer buffer_;
  const std::size_t most_buffered_;
  bool has_sequence_gap_ = false;  // a delivery of this transaction failed
  bool sequence_broken_ = false;   // hostile: the next transaction's first delivery fails, too
  std::optional<Operation> operation_;
};

}  // namespace millrace::log::memory
