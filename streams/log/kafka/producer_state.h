// What a Kafka producer's worker and its thread share, handed over with each operation and its
// completion. In two parts, because callbacks may come until the client is destroyed: the context
// lives as long as the client, the state no longer than its users.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "log/kafka/kafka_handle.h"
#include "log/kafka/rdkafka_types.h"
#include "log/kafka/transaction_watch.h"
#include "log/producer.h"

namespace millrace::log {

// A topic that is written, with what the open transaction wrote to each partition.
struct Sink {
  struct Range {
    std::int64_t transaction = 0;  // the one that first and last belong to
    Offset first = kNoOffset;
    Offset last = kNoOffset;
    bool failed = false;
  };

  std::string name;
  std::vector<Range> ranges;  // by partition

  Range& range(std::int32_t partition, std::int64_t transaction);
};

class ProducerContext final : public ClientContext {
 public:
  using ClientContext::ClientContext;

  // Effect: counts one delivery report.
  void delivered(const rd_kafka_message_s& message) noexcept;

  // Effect: this record of the open transaction will not be in the log.
  void failed(Sink& sink, std::int32_t partition, const std::string& why, Refusal refusal) noexcept;

  TransactionWatch watch;
  std::atomic<bool> room_wanted{false};  // send() found the queue full

  // The rest belongs to whoever holds the producer: the worker, or the thread during an operation.
  std::vector<std::unique_ptr<Sink>> sinks;
  std::int64_t transaction = 0;  // counts begin()
  std::int64_t outstanding = 0;  // records without a report
  bool aborting = false;         // records that are dropped now are no failures
  std::string failure;           // why a record of this transaction was lost; empty: none was
};

// The blocking operations; each runs on the producer's thread and ends with one event.
struct ProducerState {
  ~ProducerState();

  void init(OperationId id);
  void flush(OperationId id);
  void commit(OperationId id, const std::vector<OffsetToCommit>& offsets,
              const FencingToken& token);
  void abort(OperationId id);

  // Effect: no transaction begins on this producer any more. The first reason stays.
  void poison(const std::string& why);

  std::shared_ptr<ProducerContext> context;
  std::shared_ptr<Client> client;
  std::vector<rd_kafka_topic_s*> handles;  // by SinkTopic, like context->sinks
  Duration deadline{0};                    // of each blocking call; longer than a transaction lives
  std::string poisoned;                    // why begin() refuses; empty: it does not

 private:
  Status send_offsets(const std::vector<OffsetToCommit>& offsets, const FencingToken& token);
  Status commit_transaction();
  Status drain();
  void finish(OperationId id, Status status, Mailbox::Content what);
};

}  // namespace millrace::log
