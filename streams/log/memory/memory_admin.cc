#include "log/memory/memory_admin.h"

#include <utility>

namespace millrace::log::memory {

MemoryAdmin::MemoryAdmin(Broker& broker, Inbox& inbox)
    : Actor(broker.schedule), broker_(broker), inbox_(inbox), epoch_(broker.next_epoch()) {}

void MemoryAdmin::submit(OperationId id, std::function<Answer()> perform) {
  operations_.push_back({id, std::move(perform)});
  wake();
}

void MemoryAdmin::act() {
  const Operation operation = std::move(operations_.front());
  operations_.pop_front();
  if (!operations_.empty()) wake();
  Hostility& hostility = broker_.hostility;
  // Never twice in a row: the row has no more than one place.
  if (faults_.length == 0 && hostility.strikes(hostility.options().one_in_admin_failure, faults_)) {
    ++hostility.counts().admin_failures;
    inbox_.push(
        {epoch_, operation.id, Status::retry("the request was not answered in time"), Done{}});
    return;
  }
  faults_.length = 0;
  Answer answer = operation.perform();
  inbox_.push({epoch_, operation.id, std::move(answer.status), std::move(answer.what)});
}

void MemoryAdmin::submit_describe_topics(OperationId id, std::vector<std::string> topics) {
  submit(id, [this, names = std::move(topics)]() -> Answer {
    TopicsDescribed described;
    for (const std::string& name : names) {
      TopicDescription& d = described.topics.emplace_back();
      d.topic = name;
      if (const auto topic = broker_.topics.find(name)) {
        d.partitions = topic->partitions();
        d.max_message_bytes = topic->max_message_bytes();
        d.deletions_kept = topic->deletions_kept();
      }
    }
    return {Status::success(), std::move(described)};
  });
}

void MemoryAdmin::submit_create_topics(OperationId id, std::vector<NewTopic> topics) {
  submit(id, [this, wanted = std::move(topics)]() -> Answer {
    Status status = Status::success();
    for (const NewTopic& topic : wanted) {
      Status created = broker_.topics.create(topic);
      if (!created.ok()) status = std::move(created);
    }
    return {std::move(status), Done{}};
  });
}

void MemoryAdmin::submit_delete_topics(OperationId id, std::vector<std::string> topics) {
  submit(id, [this, names = std::move(topics)]() -> Answer {
    for (const std::string& name : names) {
      broker_.topics.remove(name);
      broker_.groups.forget_topic(name);
    }
    return {Status::success(), Done{}};
  });
}

void MemoryAdmin::submit_committed_offsets(OperationId id, std::string group,
                                           std::vector<TopicPartition> partitions) {
  submit(id, [this, name = std::move(group), asked = std::move(partitions)]() -> Answer {
    MemoryGroup& found = broker_.groups.find(name);
    OffsetsCommitted committed;
    for (const TopicPartition& where : asked)
      committed.offsets.push_back(found.offsets().committed(where));
    return {Status::success(), std::move(committed)};
  });
}

void MemoryAdmin::submit_list_offsets(OperationId id, OffsetKind kind,
                                      std::vector<TopicPartition> partitions) {
  submit(id, [this, kind, asked = std::move(partitions)]() -> Answer {
    OffsetsListed listed;
    for (const TopicPartition& where : asked) {
      PartitionOffset& answer = listed.offsets.emplace_back();
      answer.where = where;
      if (const MemoryPartition* partition = broker_.topics.find(where)) {
        answer.offset = kind == OffsetKind::kStart ? partition->start() : partition->end();
      }
    }
    return {Status::success(), std::move(listed)};
  });
}

void MemoryAdmin::submit_delete_records(OperationId id, std::vector<DeleteBelow> below) {
  submit(id, [this, wanted = std::move(below)]() -> Answer {
    Status status = Status::success();
    for (const DeleteBelow& one : wanted) {
      Status deleted = delete_below(one);
      if (!deleted.ok()) status = std::move(deleted);
    }
    return {std::move(status), Done{}};
  });
}

Status MemoryAdmin::delete_below(const DeleteBelow& below) {
  const auto topic = broker_.topics.find(below.where.topic);
  MemoryPartition* partition = topic ? topic->partition(below.where.partition) : nullptr;
  if (partition == nullptr)
    return Status::retry("there is no such partition: " + to_string(below.where));
  if (!topic->takes_delete_records()) {
    return Status::retry("records of a topic that is only compacted cannot be deleted: " +
                         below.where.topic);
  }
  if (below.offset > partition->end()) {
    return Status::retry("the offset is beyond the end of " + to_string(below.where));
  }
  partition->delete_below(below.offset);
  return Status::success();
}

}  // namespace millrace::log::memory
