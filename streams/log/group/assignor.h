// Who gets which partition: cooperative and sticky, as Kafka's assignor of that name. Everybody
// keeps what he has as far as the shares are even; a share differs from another by at most one
// partition among members of the same anchor topics.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "log/membership.h"

namespace millrace::log {

struct AssignorMember {
  std::map<std::string, std::int32_t> anchors;  // topic → its number of partitions
  std::set<TopicPartition> owned;
};

// The members' shares, in their order. Partitions of `taken` are given to nobody.
std::vector<std::set<TopicPartition>> assign_sticky(const std::vector<AssignorMember>& members,
                                                    const std::set<TopicPartition>& taken);

}  // namespace millrace::log
