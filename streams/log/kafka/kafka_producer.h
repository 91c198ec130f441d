// LogProducer on Kafka. Blocking calls are made by a thread of this producer, one at a time; while
// one is under way the worker does not touch the producer (the seam says so), and so delivery
// reports need no lock: they are counted by whichever side serves them, the worker between
// operations, the thread inside flush, commit and abort.
//
// Reports come as librdkafka's callback and not as its events: in event mode rd_kafka_flush waits
// for a second thread to serve them, and without rd_kafka_flush a drain would wait linger.ms out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "log/group/local_group.h"
#include "log/kafka/call_thread.h"
#include "log/kafka/kafka_handle.h"
#include "log/log.h"

namespace millrace::log {

struct ProducerState;

class KafkaProducer final : public LogProducer {
 public:
  // `batch_limit`: the largest batch that every topic takes; a broker refuses a larger one whole.
  KafkaProducer(const KafkaLogOptions& log_options, ProducerOptions options,
                std::int64_t batch_limit, Epoch epoch, Inbox& inbox,
                std::shared_ptr<ClosingClients> closing, std::shared_ptr<const LocalGroups> groups);
  ~KafkaProducer() override;

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
  const Epoch epoch_;
  const std::shared_ptr<ProducerState> state_;
  const std::shared_ptr<const LocalGroups> groups_;
  CallThread thread_;
  std::map<std::string, SinkTopic, std::less<>> topics_;
  int sends_until_serve_ = 0;
};

}  // namespace millrace::log
