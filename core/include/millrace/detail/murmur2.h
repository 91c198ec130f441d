// Kafka's hash of keys: 32-bit murmur2 with seed 0x9747b28c. Frozen: it decides in which partition
// a key lives, here and in every Java program that shares the topic (SEMANTICS §3.10).
#pragma once

#include <cstdint>

#include "millrace/bytes.h"

namespace millrace::detail {

// Signed, as Java gives it.
std::int32_t murmur2(BytesView bytes);

}  // namespace millrace::detail
