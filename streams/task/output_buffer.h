// The worker's output buffer. Sinks and changelogs append to it and never wait; between steps it is
// handed to the log, as far as the log has room (ENGINE §2).
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "log/producer.h"
#include "millrace/detail/node_context.h"

namespace millrace::task {

// Not thread-safe: belongs to one worker.
class OutputBuffer final : public graph::RecordCollector {
 public:
  // Effect: what topics take at most, by full name (max.message.bytes); others have no limit.
  // REQUIRES: no topic was added yet.
  void set_limits(std::map<std::string, std::int64_t> limits) { limits_ = std::move(limits); }

  // Effect: the target of this topic (full name); the same name gives the same target.
  graph::SinkTarget add_topic(const std::string& name, std::int32_t partitions);

  // Errors: TopicError where the record is larger than its topic takes. A broker would refuse the
  // whole batch for it and name nobody (ENGINE §4).
  void send(graph::SinkTarget target, Partition partition, OptionalBytesView key,
            OptionalBytesView value, Timestamp timestamp, const Headers& headers) override;

  // Errors: as send().
  void check_size(graph::SinkTarget target, OptionalBytesView key, OptionalBytesView value,
                  const Headers& headers) const;

  // Whether the topic takes a record of this size.
  bool fits(graph::SinkTarget target, OptionalBytesView key, OptionalBytesView value,
            const Headers& headers) const;

  // Effect: hands records to the producer, oldest first, until all are taken or the log is full.
  // Returns true if nothing is left.
  bool hand_over(log::LogProducer& producer);

  // Effect: another producer: topic handles are asked for anew.
  void forget_producer() { handles_.clear(); }

  // Effect: drops what was not handed over (an abort).
  void clear();

  // Where the buffer ends, and back to there. REQUIRES: nothing was handed over in between.
  struct Mark {
    std::size_t records;
    std::size_t bytes;
    std::size_t headers;
  };
  Mark end() const { return {records_.size(), bytes_.size(), headers_.size()}; }
  void cut(const Mark& from);

  // Records that were not handed over.
  std::size_t waiting() const { return records_.size() - next_; }
  bool empty() const { return next_ == records_.size(); }
  std::size_t bytes() const { return bytes_.size(); }

 private:
  static constexpr std::size_t kNull = static_cast<std::size_t>(-1);

  // Positions, not views: the bytes move when the buffer grows.
  struct Entry {
    std::int32_t topic;
    Partition partition;
    std::size_t key_at;
    std::size_t key_size;  // kNull: a null key
    std::size_t value_at;
    std::size_t value_size;  // kNull: a null value
    Timestamp timestamp;
    const Headers* headers;
  };

  OptionalBytesView view(std::size_t at, std::size_t size) const;

  struct TopicInfo {
    std::string name;
    std::int32_t partitions;
    std::int64_t limit;
  };
  std::map<std::string, std::int64_t> limits_;
  std::vector<TopicInfo> topics_;
  std::vector<log::SinkTopic> handles_;  // of the producer at hand, by topic
  Bytes bytes_;
  std::vector<Entry> records_;
  std::deque<Headers> headers_;  // stable addresses
  std::size_t next_ = 0;         // the first that is not handed over
};

}  // namespace millrace::task
