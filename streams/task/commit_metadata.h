// The text beside a committed offset: partition time and the persisted part of task memory, in
// Kafka Streams' own format (SEMANTICS §3.8), so that a Java program reads the time and ignores the
// rest.
//
//   Base64( 02 ‖ 8 bytes partition time ‖ [ 4 bytes count ‖ per entry: 4 bytes length, name, 8
//   bytes value ] )
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/detail/task_memory.h"

namespace millrace::task {

// What a broker takes at most (KAFKA_CLIENT §2.1).
inline constexpr std::size_t kMaxMetadataCharacters = 4096;

struct CommitMetadata {
  std::int64_t partition_time = state::TaskMemory::kUnknown;
  std::vector<state::TaskMemory::Entry> entries;
};

std::string encode(const CommitMetadata& metadata);

// Effect: reads versions 1 and 2. Text that is empty or cannot be decoded means that nothing is
// known, as in Java.
CommitMetadata decode_commit_metadata(std::string_view text);

}  // namespace millrace::task
