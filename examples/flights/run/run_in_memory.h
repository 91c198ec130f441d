// The demo without a broker: the topology on a log in this process, with Kafka's semantics.
#pragma once

#include <cstdint>
#include <optional>

#include "replay.h"
#include "results.h"

namespace flights {

// hostile: a seed for a log that answers late, aborts and fences transactions, leaves their outcome
// unknown and takes tasks away, as badly as a cluster may. The results must be the same.
// Errors: millrace::Error if the topology stops.
Results run_in_memory(const Replay& replay, std::optional<std::uint64_t> hostile);

}  // namespace flights
