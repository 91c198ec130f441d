#include "log/memory/memory_log.h"

#include <utility>

#include "log/memory/broker.h"
#include "log/memory/memory_admin.h"
#include "log/memory/memory_membership.h"
#include "log/memory/memory_producer.h"
#include "log/memory/memory_reader.h"
#include "millrace/detail/assert.h"

namespace millrace::log::memory {

MemoryLog::MemoryLog(const Clock& clock, MemoryLogOptions options)
    : broker_(std::make_unique<Broker>(clock, options)) {}
MemoryLog::~MemoryLog() = default;

std::unique_ptr<LogProducer> MemoryLog::make_producer(ProducerOptions options, Inbox& inbox) {
  return std::make_unique<MemoryProducer>(std::move(options), *broker_, inbox);
}

std::unique_ptr<LogReader> MemoryLog::make_reader(ReaderOptions options, Inbox& inbox) {
  return std::make_unique<MemoryReader>(options, *broker_, inbox);
}

std::unique_ptr<LogAdmin> MemoryLog::make_admin(Inbox& inbox) {
  return std::make_unique<MemoryAdmin>(*broker_, inbox);
}

std::unique_ptr<GroupMembership> MemoryLog::make_membership(MembershipOptions options,
                                                            Inbox& inbox) {
  return std::make_unique<MemoryMembership>(std::move(options), *broker_, inbox);
}

bool MemoryLog::step() { return broker_->schedule.step(); }

std::optional<Timestamp> MemoryLog::next_due() const {
  const std::optional<Duration> at = broker_->schedule.next_alarm();
  if (!at) return std::nullopt;
  return broker_->clock.now() + (*at - broker_->clock.monotonic());
}

const HostileCounts& MemoryLog::counts() const { return broker_->hostility.counts(); }

void MemoryLog::spare(std::string anchor_topic) { broker_->groups.spare(std::move(anchor_topic)); }

void MemoryLog::create_topic(NewTopic topic) {
  const Status created = broker_->topics.create(std::move(topic));
  MILLRACE_ASSERT(created.ok(), "a topic cannot be created: its name or its count of partitions");
}

Result<Offset> MemoryLog::append(std::string_view topic, Partition partition,
                                 const OutgoingRecord& record) {
  const auto found = broker_->topics.find(topic);
  MemoryPartition* to = found ? found->partition(partition) : nullptr;
  if (to == nullptr) {
    return Status::fatal("there is no such partition: " +
                         to_string(TopicPartition{std::string(topic), partition}));
  }
  const Timestamp now = broker_->clock.now();
  const Status checked = found->check(record, now);
  if (!checked.ok()) return Status::fatal(checked.message());
  const Offset offset = to->append(record, found->stamp(record, now), kNoTransaction);
  to->tell_watchers();
  return offset;
}

std::vector<StoredRecord> MemoryLog::read(std::string_view topic, Partition partition, Offset from,
                                          Isolation isolation) const {
  std::vector<StoredRecord> records;
  const MemoryPartition* found = broker_->topics.find(topic, partition);
  if (found == nullptr) return records;
  found->visit(from, found->readable_end(isolation), isolation,
               [&](const Segment::Entry& entry, const auto&) {
                 const RecordView view = Segment::view(entry);
                 records.push_back({.offset = view.offset,
                                    .key = OptionalBytes(view.key),
                                    .value = OptionalBytes(view.value),
                                    .timestamp = view.timestamp,
                                    .headers = *view.headers});
                 return true;
               });
  return records;
}

std::vector<std::string> MemoryLog::topics() const { return broker_->topics.names(); }

std::optional<std::int32_t> MemoryLog::partitions(std::string_view topic) const {
  const auto found = broker_->topics.find(topic);
  if (!found) return std::nullopt;
  return found->partitions();
}

std::map<std::string, std::string> MemoryLog::config(std::string_view topic) const {
  const auto found = broker_->topics.find(topic);
  return found ? found->config() : std::map<std::string, std::string>();
}

Offset MemoryLog::start_offset(std::string_view topic, Partition partition) const {
  const MemoryPartition* found = broker_->topics.find(topic, partition);
  return found != nullptr ? found->start() : kNoOffset;
}

Offset MemoryLog::end_offset(std::string_view topic, Partition partition) const {
  const MemoryPartition* found = broker_->topics.find(topic, partition);
  return found != nullptr ? found->end() : kNoOffset;
}

Offset MemoryLog::last_stable_offset(std::string_view topic, Partition partition) const {
  const MemoryPartition* found = broker_->topics.find(topic, partition);
  return found != nullptr ? found->last_stable() : kNoOffset;
}

CommittedOffset MemoryLog::committed_offset(std::string_view group,
                                            const TopicPartition& where) const {
  const MemoryGroup* found = broker_->groups.find_existing(group);
  return (found != nullptr ? found->offsets() : GroupOffsets()).committed(where);
}

void MemoryLog::compact(std::string_view topic, Partition partition) {
  MemoryPartition* found = broker_->topics.find(topic, partition);
  if (found != nullptr) found->compact();
}

void MemoryLog::set_connected(Epoch membership, bool connected) {
  const auto found = broker_->memberships.find(membership);
  if (found != broker_->memberships.end()) found->second->set_connected(connected);
}

}  // namespace millrace::log::memory
