#include "log/kafka/kafka_admin.h"

#include <utility>

namespace millrace::log {
namespace {

// Effect: the answer, or the failure with an empty answer of the same kind.
template <class Answer>
void post(Mailbox& mailbox, OperationId id, Result<Answer> result) {
  Status status = result.status();
  mailbox.post(id, std::move(status), result.ok() ? std::move(result.value()) : Answer{});
}

}  // namespace

KafkaAdmin::KafkaAdmin(std::shared_ptr<AdminService> service, Epoch epoch, Inbox& inbox)
    : service_(std::move(service)), mailbox_(std::make_shared<Mailbox>(inbox, epoch)) {}

KafkaAdmin::~KafkaAdmin() { mailbox_->close(); }

void KafkaAdmin::submit_describe_topics(OperationId id, std::vector<std::string> topics) {
  service_->run([mailbox = mailbox_, limit = service_->batch_limit(), id,
                 topics = std::move(topics)](AdminCalls& calls, Deadline deadline) {
    Result<TopicsDescribed> described = calls.describe_topics(topics, deadline);
    if (described.ok()) limit->note(described.value());
    post(*mailbox, id, std::move(described));
  });
}

void KafkaAdmin::submit_create_topics(OperationId id, std::vector<NewTopic> topics) {
  service_->run(
      [mailbox = mailbox_, id, topics = std::move(topics)](AdminCalls& calls, Deadline deadline) {
        mailbox->post(id, calls.create_topics(topics, deadline), Done{});
      });
}

void KafkaAdmin::submit_delete_topics(OperationId id, std::vector<std::string> topics) {
  service_->run(
      [mailbox = mailbox_, id, topics = std::move(topics)](AdminCalls& calls, Deadline deadline) {
        mailbox->post(id, calls.delete_topics(topics, deadline), Done{});
      });
}

void KafkaAdmin::submit_committed_offsets(OperationId id, std::string group,
                                          std::vector<TopicPartition> partitions) {
  service_->run([mailbox = mailbox_, id, group = std::move(group),
                 partitions = std::move(partitions)](AdminCalls& calls, Deadline deadline) {
    post(*mailbox, id, calls.committed_offsets(group, partitions, deadline));
  });
}

void KafkaAdmin::submit_list_offsets(OperationId id, OffsetKind kind,
                                     std::vector<TopicPartition> partitions) {
  service_->run([mailbox = mailbox_, id, kind, partitions = std::move(partitions)](
                    AdminCalls& calls, Deadline deadline) {
    post(*mailbox, id, calls.list_offsets(kind, partitions, deadline));
  });
}

void KafkaAdmin::submit_delete_records(OperationId id, std::vector<DeleteBelow> below) {
  service_->run(
      [mailbox = mailbox_, id, below = std::move(below)](AdminCalls& calls, Deadline deadline) {
        mailbox->post(id, calls.delete_records(below, deadline), Done{});
      });
}

}  // namespace millrace::log
