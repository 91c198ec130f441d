// The little that the demo itself needs of a Kafka client, over librdkafka's C API: it makes topics,
// writes the input and reads the results. The topology has a client of its own.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replay.h"
#include "results.h"

struct rd_kafka_s;

namespace flights {

// librdkafka's own names, e.g. {"bootstrap.servers", "localhost:9092"}.
using ClientSettings = std::map<std::string, std::string>;

struct CloseClient {
  void operator()(rd_kafka_s* client) const noexcept;
};
using Client = std::unique_ptr<rd_kafka_s, CloseClient>;

// Errors, of all functions: std::runtime_error with librdkafka's words.

// Effect: the topics are there, empty, with kPartitions partitions that keep their records for ever:
// Kafka would delete records stamped 2001 after minutes.
void create_topics(const ClientSettings& settings, const std::vector<std::string>& topics);

// Writes input. Not thread-safe.
class InputWriter {
 public:
  explicit InputWriter(const ClientSettings& settings);

  // Effect: sends the record, to the partition that Java's producer would choose for its key.
  void send(const std::string& topic, const InputRecord& record);

  // Effect: waits until everything sent is in the log.
  void flush();

 private:
  Client client_;
};

// Reads topics from their beginning: committed records only. Not thread-safe.
class ResultReader {
 public:
  ResultReader(const ClientSettings& settings, const std::vector<std::string>& topics);

  struct Read {
    std::string topic;
    ResultRecord record;
  };
  // Returns the next record, or nullopt if none came within the time.
  std::optional<Read> read(int timeout_ms);

  // Whether every partition was read up to what was committed when its end was reached.
  bool at_end() const { return open_partitions_ == 0; }

 private:
  Client client_;
  std::size_t open_partitions_ = 0;
};

}  // namespace flights
