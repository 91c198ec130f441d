// The topology on the embedded log, for as long as one looks on.
#pragma once

#include <millrace/config.h>

#include <string>

#include "replay.h"

namespace flights {

// Effect: replays the flights over and over, each time as if 93 days later, `per_second` of them, and
// prints a line a second: how many a second come out, how many wait, how old the newest result is,
// commits, memory. Returns at SIGINT or SIGTERM.
// Errors: std::runtime_error, what stopped the topology; millrace::Error.
void follow(const std::string& directory, const Replay& replay, double per_second,
            millrace::StreamsConfig config);

}  // namespace flights
