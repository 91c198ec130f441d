#include "log/journal/admin_orders.h"

#include <algorithm>
#include <set>

#include "log/journal/parking.h"

namespace millrace::log::journal {

namespace {

PreparedOrder prepare(const CreateTopics& order, const Catalog& catalog, const LiveTopics& topics) {
  PreparedOrder prepared;
  std::set<std::string_view> made;
  TopicId id = catalog.next_topic_id();
  for (const NewTopic& topic : order.topics) {
    if (topics.find(topic.name) != nullptr || made.contains(topic.name)) continue;
    const Result<TopicConfig> checked = check_new_topic(topic);
    if (!checked.ok()) {
      prepared.status = checked.status();
    } else if (topic.name == kParkingTopic) {
      prepared.status = Status::fatal("topic " + topic.name + " is the journal's own");
    } else {
      made.insert(topic.name);
      prepared.frame.topics_made.push_back({id, topic.name, topic.partitions, topic.config});
      ++id;
    }
  }
  return prepared;
}

PreparedOrder prepare(const DeleteTopics& order, const Catalog&, const LiveTopics& topics) {
  PreparedOrder prepared;
  std::set<TopicId> deleted;
  for (const std::string& name : order.names) {
    if (const auto topic = topics.find(name)) deleted.insert(topic->id());
  }
  prepared.frame.topics_deleted.assign(deleted.begin(), deleted.end());
  return prepared;
}

// Errors: kRetry, why its records cannot be deleted up to there.
Status check(const DeleteBelow& below, const LiveTopics& topics) {
  const auto topic = topics.find(below.where.topic);
  const LivePartition* partition = topic ? topic->partition(below.where.partition) : nullptr;
  if (partition == nullptr)
    return Status::retry("there is no such partition: " + to_string(below.where));
  if (!topic->config().deletes) {
    return Status::retry("records of a topic that is only compacted cannot be deleted: " +
                         below.where.topic);
  }
  if (below.offset > partition->end())
    return Status::retry("the offset is beyond the end of " + to_string(below.where));
  if (below.offset > partition->readable_end(Isolation::kReadCommitted)) {
    return Status::retry("a transaction is open below the offset in " + to_string(below.where) +
                         ": delete when it has ended");
  }
  return Status::success();
}

PreparedOrder prepare(const DeleteRecords& order, const Catalog&, const LiveTopics& topics) {
  PreparedOrder prepared;
  for (const DeleteBelow& below : order.below) {
    Status checked = check(below, topics);
    if (!checked.ok()) {
      prepared.status = std::move(checked);
      continue;
    }
    const LivePartition* partition = topics.find(below.where);
    if (below.offset > partition->start())
      prepared.frame.deletions.push_back({partition->key(), below.offset});
  }
  return prepared;
}

PreparedOrder prepare(const LetGo& order, const Catalog&, const LiveTopics& topics) {
  PreparedOrder prepared;
  for (const RecordsDeleted& deletion : order.deletions) {
    const LivePartition* partition = topics.find(deletion.where);
    if (partition == nullptr) continue;
    const Offset below =
        std::min(deletion.below, partition->readable_end(Isolation::kReadCommitted));
    if (below > partition->start()) prepared.frame.deletions.push_back({deletion.where, below});
  }
  return prepared;
}

}  // namespace

PreparedOrder prepare(const AdminOrder& order, const Catalog& catalog, const LiveTopics& topics) {
  return std::visit([&](const auto& what) { return prepare(what, catalog, topics); }, order.what);
}

void take_effect(const Frame& frame, const Catalog& catalog, LiveTopics& topics) {
  for (const TopicId id : frame.topics_deleted) topics.remove(id);
  for (const TopicMade& made : frame.topics_made) topics.add(*catalog.find(made.id));
  for (const RecordsDeleted& deletion : frame.deletions) {
    LivePartition* partition = topics.find(deletion.where);
    if (partition == nullptr) continue;
    partition->set_start(std::max(partition->start(), deletion.below));
    partition->wake_watchers();
  }
}

}  // namespace millrace::log::journal
