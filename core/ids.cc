#include "millrace/ids.h"

namespace millrace {

std::string to_string(const TopicPartition& tp) {
  return tp.topic + '-' + std::to_string(tp.partition.value());
}

std::string to_string(TaskId id) {
  return std::to_string(id.subtopology) + '_' + std::to_string(id.partition.value());
}

}  // namespace millrace
