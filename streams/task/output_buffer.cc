#include "task/output_buffer.h"

#include <limits>

#include "log/record_size.h"
#include "millrace/detail/assert.h"
#include "millrace/error.h"

namespace millrace::task {

namespace {
constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMostFraming = 100;  // of a record without headers, around key and value
}  // namespace

graph::SinkTarget OutputBuffer::add_topic(const std::string& name, std::int32_t partitions) {
  for (std::size_t i = 0; i < topics_.size(); ++i) {
    if (topics_[i].name == name) return {static_cast<std::int32_t>(i), topics_[i].partitions};
  }
  const auto limit = limits_.find(name);
  topics_.push_back({name, partitions, limit == limits_.end() ? kNoLimit : limit->second});
  return {static_cast<std::int32_t>(topics_.size() - 1), partitions};
}

void OutputBuffer::send(graph::SinkTarget target, Partition partition, OptionalBytesView key,
                        OptionalBytesView value, Timestamp timestamp, const Headers& headers) {
  MILLRACE_ASSERT(partition >= Partition(0) && partition < Partition(target.partitions),
                  "a partition that is not there");
  check_size(target, key, value, headers);
  Entry entry{target.index, partition, bytes_.size(), kNull, 0, kNull, timestamp, &Headers::none()};
  if (key) {
    entry.key_size = key->size();
    bytes_.append(*key);
  }
  entry.value_at = bytes_.size();
  if (value) {
    entry.value_size = value->size();
    bytes_.append(*value);
  }
  if (!headers.empty()) entry.headers = &headers_.emplace_back(headers);
  records_.push_back(entry);
}

void OutputBuffer::check_size(graph::SinkTarget target, OptionalBytesView key,
                              OptionalBytesView value, const Headers& headers) const {
  if (fits(target, key, value, headers)) return;
  const TopicInfo& topic = topics_[static_cast<std::size_t>(target.index)];
  throw TopicError("millrace: a record of " +
                   std::to_string(log::batch_size({key, value, Timestamp{}, &headers})) +
                   " bytes for topic " + topic.name + ", which takes " +
                   std::to_string(topic.limit) + " (max.message.bytes)");
}

bool OutputBuffer::fits(graph::SinkTarget target, OptionalBytesView key, OptionalBytesView value,
                        const Headers& headers) const {
  const std::int64_t limit = topics_[static_cast<std::size_t>(target.index)].limit;
  const std::size_t bytes = (key ? key->size() : 0) + (value ? value->size() : 0);
  // What is far below is not measured: this is on the path of every record.
  if (headers.empty() && static_cast<std::int64_t>(bytes) < limit - kMostFraming) return true;
  return log::batch_size({key, value, Timestamp{}, &headers}) <= limit;
}

bool OutputBuffer::hand_over(log::LogProducer& producer) {
  while (handles_.size() < topics_.size())
    handles_.push_back(producer.topic(topics_[handles_.size()].name));
  for (; next_ < records_.size(); ++next_) {
    const Entry& entry = records_[next_];
    const log::OutgoingRecord record{view(entry.key_at, entry.key_size),
                                     view(entry.value_at, entry.value_size), entry.timestamp,
                                     entry.headers};
    const auto sent =
        producer.send(handles_[static_cast<std::size_t>(entry.topic)], entry.partition, record);
    if (sent == log::SendResult::kFull) return false;
  }
  clear();
  return true;
}

void OutputBuffer::clear() {
  bytes_.clear();
  records_.clear();
  headers_.clear();
  next_ = 0;
}

void OutputBuffer::cut(const Mark& from) {
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(from.records), records_.end());
  bytes_.resize(from.bytes);
  headers_.resize(from.headers);
}

OptionalBytesView OutputBuffer::view(std::size_t at, std::size_t size) const {
  if (size == kNull) return std::nullopt;
  return BytesView(bytes_).substr(at, size);
}

}  // namespace millrace::task
