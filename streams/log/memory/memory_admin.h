// Admin operations: each is answered in a later step from the log's state then.
#pragma once

#include <deque>
#include <functional>

#include "log/inbox.h"
#include "log/memory/broker.h"

namespace millrace::log::memory {

class MemoryAdmin final : public LogAdmin, private Actor {
 public:
  MemoryAdmin(Broker& broker, Inbox& inbox);

  Epoch epoch() const override { return epoch_; }
  void submit_describe_topics(OperationId id, std::vector<std::string> topics) override;
  void submit_create_topics(OperationId id, std::vector<NewTopic> topics) override;
  void submit_delete_topics(OperationId id, std::vector<std::string> topics) override;
  void submit_committed_offsets(OperationId id, std::string group,
                                std::vector<TopicPartition> partitions) override;
  void submit_list_offsets(OperationId id, OffsetKind kind,
                           std::vector<TopicPartition> partitions) override;
  void submit_delete_records(OperationId id, std::vector<DeleteBelow> below) override;

 private:
  struct Answer {
    Status status;
    decltype(Event::what) what;
  };
  struct Operation {
    OperationId id;
    std::function<Answer()> perform;
  };

  void submit(OperationId id, std::function<Answer()> perform);
  void act() override;
  Status delete_below(const DeleteBelow& below);

  Broker& broker_;
  Inbox& inbox_;
  const Epoch epoch_;
  std::deque<Operation> operations_;
  FaultRow faults_;
};

}  // namespace millrace::log::memory
