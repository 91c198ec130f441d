// LogAdmin on Kafka: hands the questions to the log's admin thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "log/kafka/admin_service.h"
#include "log/log.h"

namespace millrace::log {

class KafkaAdmin final : public LogAdmin {
 public:
  KafkaAdmin(std::shared_ptr<AdminService> service, Epoch epoch, Inbox& inbox);
  ~KafkaAdmin() override;

  Epoch epoch() const override { return mailbox_->epoch(); }
  void submit_describe_topics(OperationId id, std::vector<std::string> topics) override;
  void submit_create_topics(OperationId id, std::vector<NewTopic> topics) override;
  void submit_delete_topics(OperationId id, std::vector<std::string> topics) override;
  void submit_committed_offsets(OperationId id, std::string group,
                                std::vector<TopicPartition> partitions) override;
  void submit_list_offsets(OperationId id, OffsetKind kind,
                           std::vector<TopicPartition> partitions) override;
  void submit_delete_records(OperationId id, std::vector<DeleteBelow> below) override;

 private:
  const std::shared_ptr<AdminService> service_;
  const std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace millrace::log
