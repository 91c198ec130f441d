// How large a record is for a broker: what a topic's max.message.bytes is compared with.
#pragma once

#include <cstdint>

#include "log/producer.h"

namespace millrace::log {

// The bytes of a batch of this record alone, not compressed, in Kafka's record format 2.
std::int64_t batch_size(const OutgoingRecord& record);

}  // namespace millrace::log
