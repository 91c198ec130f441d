// Questions are answered at once, from memory; orders by the writer, once they are durable.
#pragma once

#include "log/journal/journal_state.h"

namespace millrace::log::journal {

class JournalAdmin final : public LogAdmin {
 public:
  JournalAdmin(JournalState& state, Inbox& inbox);
  ~JournalAdmin() override;

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
  template <class Answer>
  void answer(OperationId id, Answer what);
  template <class What>
  void order(OperationId id, What what);

  JournalState& state_;
  Inbox& inbox_;
  const Epoch epoch_;
};

}  // namespace millrace::log::journal
