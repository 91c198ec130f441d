// The demo on a Kafka cluster: topics, input, the running topology, and its committed results.
#pragma once

#include <millrace/config.h>

#include "replay.h"
#include "results.h"

namespace flights {

// Creates the topics, which must not be there yet, writes the airports, starts the topology, writes
// the flights while it runs, so many per second (0: at once), and reads what it committed. An
// application.id is made up unless given.
// Errors: std::runtime_error and millrace::Error if anything of that fails, or nothing moves.
Results run_on_kafka(const Replay& replay, double per_second, millrace::StreamsConfig config);

}  // namespace flights
