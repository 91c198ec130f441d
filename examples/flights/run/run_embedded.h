// The topology on the embedded log: a directory of this machine, no broker.
#pragma once

#include <millrace/config.h>

#include <cstdint>
#include <functional>
#include <string>

#include "replay.h"
#include "results.h"

namespace flights {

// Effect: appends the flights that the directory does not have yet, `per_second` of them (0: as fast
// as they are taken), while the topology runs; returns once all have come out at its ends. Can be
// killed at any moment and called again. `tell` is given how many have come out, now and then.
// Errors: std::runtime_error, what stopped the topology; millrace::Error.
void work_embedded(const std::string& directory, const Replay& replay, double per_second,
                   millrace::StreamsConfig config,
                   const std::function<void(std::int64_t)>& tell = {});

// What the topology wrote.
Results read_embedded(const std::string& directory);

}  // namespace flights
