// What the topology wrote, as bytes: the same whether it ran in memory or on Kafka.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flights {

struct ResultRecord {
  std::int32_t partition = 0;
  std::string key;
  std::optional<std::string> value;
  std::int64_t timestamp_ms = 0;
};

// Of each output topic the committed records; those of a partition in the order of their offsets.
using ResultTopics = std::map<std::string, std::vector<ResultRecord>>;

struct Results {
  ResultTopics topics;
  // Late records that the engine says it dropped, per window store; empty where nobody counted.
  std::map<std::string, std::int64_t> late;
};

// All partitions of this example's topics.
inline constexpr std::int32_t kPartitions = 4;

// The topology's output topics.
const std::vector<std::string>& result_topics();

}  // namespace flights
