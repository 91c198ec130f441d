// Numbers as keys and facts on disk hold them: 8 bytes, big-endian. Private to statestore.
#pragma once

#include <cstdint>

#include "millrace/bytes.h"
#include "millrace/detail/encoding.h"
#include "millrace/detail/task_memory.h"

namespace millrace::state {

inline Bytes number_bytes(std::int64_t number) {
  Bytes bytes;
  detail::append_int(number, bytes);
  return bytes;
}

// TaskMemory::kUnknown where the bytes are too short.
inline std::int64_t number_in(BytesView bytes) {
  return detail::read_int<std::int64_t>(bytes).value_or(TaskMemory::kUnknown);
}

}  // namespace millrace::state
