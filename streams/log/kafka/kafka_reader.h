// LogReader on Kafka: a consumer without a group, partitions assigned by hand at explicit offsets,
// one queue for each partition, drained without waiting. Views are lent straight from the buffers
// that were fetched.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "log/kafka/fetch_nudge.h"
#include "log/kafka/kafka_handle.h"
#include "log/log.h"

namespace millrace::log {

// Effect: asks in the background whether the partition exists; librdkafka never says that one does
// not. The answer comes on another thread, and only if it is "no".
using ExistenceCheck =
    std::function<void(const TopicPartition& where, std::function<void(Status)> missing)>;

class KafkaReader final : public LogReader {
 public:
  KafkaReader(const KafkaLogOptions& log_options, ReaderOptions options, Epoch epoch, Inbox& inbox,
              std::shared_ptr<ClosingClients> closing, ExistenceCheck check);
  ~KafkaReader() override;

  Epoch epoch() const override { return epoch_; }
  ReaderPartition start(const TopicPartition& where, Offset from) override;
  void stop(ReaderPartition partition) override;
  void drain(ReaderPartition partition, std::size_t max, RecordBatch& batch) override;
  Offset position(ReaderPartition partition) const override;
  bool caught_up(ReaderPartition partition) const override;

 private:
  struct Reading;
  struct Failure;

  Reading* find(ReaderPartition partition) const;
  void take(Reading& reading, ReaderPartition partition, rd_kafka_message_s* message);
  void stand_still(Reading& reading);
  void serve_client();

  const Epoch epoch_;
  const std::shared_ptr<Mailbox> mailbox_;
  const ExistenceCheck check_;
  std::shared_ptr<Client> client_;
  std::optional<FetchNudge> nudge_;
  std::vector<std::unique_ptr<Reading>> readings_;  // by ReaderPartition; nullptr: stopped
  std::vector<rd_kafka_message_s*> messages_;       // of the drain at hand
};

}  // namespace millrace::log
