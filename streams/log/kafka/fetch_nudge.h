// Makes a partition fetch again as soon as there is room. Before 2.2 librdkafka looks at a
// partition whose queue was full only when its broker thread wakes up, which without other traffic
// is once a second: with small queues that costs 25 times the throughput, and queues of two
// seconds' worth of records cost gigabytes. So the thread is woken whenever half a queue was taken
// out.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "log/kafka/rdkafka_types.h"

namespace millrace::log {

class FetchNudge {
 public:
  explicit FetchNudge(rd_kafka_s* consumer);

  // Effect: counts records that were taken out of one partition's queue in `taken`, and wakes the
  // client's threads when they are half a queue.
  struct Taken {
    std::size_t records = 0;
    std::size_t bytes = 0;
  };
  void took(Taken& taken, std::size_t records, std::size_t bytes) {
    taken.records += records;
    taken.bytes += bytes;
    if (taken.records < after_records_ && taken.bytes < after_bytes_) return;
    taken = {};
    wake();
  }

 private:
  void wake();

  rd_kafka_s* const consumer_;
  std::size_t after_records_ = std::numeric_limits<std::size_t>::max();
  std::size_t after_bytes_ = std::numeric_limits<std::size_t>::max();
  std::string username_;  // of SASL
  std::string password_;
};

}  // namespace millrace::log
