// Waits for what the log seam answers: makes topics, writes transactions, looks at offsets. One thread.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "crash/feed.h"
#include "log/log.h"
#include "millrace/clock.h"

namespace crash {

class LogClient {
 public:
  explicit LogClient(millrace::log::Log& log) : log_(log), admin_(log.make_admin(inbox_)) {}

  void create_topics(std::vector<millrace::log::NewTopic> topics);
  // One of the partitions of a topic that exists.
  millrace::Offset end(const millrace::TopicPartition& where);
  // The value of the last record in [from, end), if there is one.
  std::optional<std::string> last_value(const millrace::TopicPartition& where,
                                        millrace::Offset from, millrace::Offset end);
  // kNoOffset: nothing was committed.
  millrace::Offset committed(const std::string& group, const millrace::TopicPartition& where);

  // Effect: from now on write() and write_and_abort() can be called.
  void become_producer(const std::string& transactional_id);
  // Effect: a transaction of these records. Returns when it is durable.
  void write(const std::vector<FedRecord>& records, std::int32_t partitions);
  void write_and_abort(const std::vector<FedRecord>& records, std::int32_t partitions);

 private:
  millrace::log::OperationId next_id() { return millrace::log::OperationId(++last_id_); }
  // Errors: std::runtime_error where it fails or does not come within a minute.
  millrace::log::Event wait(millrace::log::OperationId id);
  void send(const std::vector<FedRecord>& records, std::int32_t partitions);

  millrace::log::Log& log_;
  millrace::log::Inbox inbox_;
  std::unique_ptr<millrace::log::LogAdmin> admin_;
  std::unique_ptr<millrace::log::LogProducer> producer_;
  std::int64_t last_id_ = 0;
};

}  // namespace crash
