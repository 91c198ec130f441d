#include "log/journal/journal_admin.h"

#include <utility>

namespace millrace::log::journal {

JournalAdmin::JournalAdmin(JournalState& state, Inbox& inbox)
    : state_(state), inbox_(inbox), epoch_(state.next_epoch()) {}

JournalAdmin::~JournalAdmin() {
  const std::lock_guard lock(state_.mutex);
  for (AdminOrder& order : state_.orders) {
    if (order.waiting.epoch == epoch_) order.waiting.inbox = nullptr;
  }
}

template <class Answer>
void JournalAdmin::answer(OperationId id, Answer what) {
  inbox_.push({epoch_, id, Status::success(), std::move(what)});
}

template <class What>
void JournalAdmin::order(OperationId id, What what) {
  {
    const std::lock_guard lock(state_.mutex);
    if (!state_.failure.ok()) {
      inbox_.push({epoch_, id, state_.failure, Done{}});
      return;
    }
    state_.orders.push_back({{&inbox_, epoch_, id}, std::move(what)});
  }
  state_.writer_wanted.notify_one();
}

void JournalAdmin::submit_describe_topics(OperationId id, std::vector<std::string> topics) {
  const std::lock_guard lock(state_.mutex);
  TopicsDescribed described;
  for (std::string& name : topics) {
    TopicDescription& d = described.topics.emplace_back();
    if (const auto topic = state_.topics.find(name)) {
      d.partitions = topic->partitions();
      d.max_message_bytes = topic->config().max_message_bytes;
      d.deletions_kept = topic->config().deletions_kept();
    }
    d.topic = std::move(name);
  }
  answer(id, std::move(described));
}

void JournalAdmin::submit_create_topics(OperationId id, std::vector<NewTopic> topics) {
  order(id, CreateTopics{std::move(topics)});
}

void JournalAdmin::submit_delete_topics(OperationId id, std::vector<std::string> topics) {
  order(id, DeleteTopics{std::move(topics)});
}

void JournalAdmin::submit_committed_offsets(OperationId id, std::string group,
                                            std::vector<TopicPartition> partitions) {
  const std::lock_guard lock(state_.mutex);
  OffsetsCommitted committed;
  for (TopicPartition& where : partitions) {
    CommittedOffset& found = committed.offsets.emplace_back();
    if (const LivePartition* partition = state_.topics.find(where)) {
      if (state_.transactions.is_pending(group, partition->key())) {
        found.stable = false;
      } else if (const auto* entry = state_.catalog.committed(group, partition->key())) {
        found.offset = entry->offset;
        found.metadata = entry->metadata;
      }
    }
    found.where = std::move(where);
  }
  answer(id, std::move(committed));
}

void JournalAdmin::submit_list_offsets(OperationId id, OffsetKind kind,
                                       std::vector<TopicPartition> partitions) {
  const std::lock_guard lock(state_.mutex);
  OffsetsListed listed;
  for (TopicPartition& where : partitions) {
    PartitionOffset& found = listed.offsets.emplace_back();
    if (const LivePartition* partition = state_.topics.find(where))
      found.offset = kind == OffsetKind::kStart ? partition->start() : partition->end();
    found.where = std::move(where);
  }
  answer(id, std::move(listed));
}

void JournalAdmin::submit_delete_records(OperationId id, std::vector<DeleteBelow> below) {
  order(id, DeleteRecords{std::move(below)});
}

}  // namespace millrace::log::journal
