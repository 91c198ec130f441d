// In which partition a key lives: the choice of Kafka's Java producer, so that C++ and Java
// programs write and read each other's topics (SEMANTICS §3.10). It never changes.
//
//   Partition where = partition_for_key(key_bytes, 6);
//
// Windowed keys are placed by the bytes of their inner key; records without a key by whoever
// sends them.
#pragma once

#include <cstdint>

#include "millrace/bytes.h"
#include "millrace/ids.h"

namespace millrace {

// Errors: std::invalid_argument unless partitions > 0.
Partition partition_for_key(BytesView key, std::int32_t partitions);

}  // namespace millrace
