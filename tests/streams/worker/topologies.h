// The topologies of the worker's tests. Topic "in" to topic "out", keys and values are text.
#pragma once

#include <functional>
#include <string>

#include "millrace/topology.h"

namespace millrace::worker {

Topology copying();
// Keeps a count of each key in store "n"; sends "key=count".
Topology counting();
// The same after a repartition topic "by-value": counts each value.
Topology counting_values();
// Counts the records of each key in store "batch", and sends and erases the counts now and then: a
// schedule by stream time, which also sends "tick<task>=<stream time / 25 ms>", and one by the wall
// clock.
Topology batching();
// Joins "in" with the table "rows".
Topology joining();
// Like copying(), through a node "check" that calls f.
Topology checking(std::function<void(const std::string& key, const std::string& value)> f);
// Values are numbers of 8 bytes; null keys and values stop it.
Topology strict();

}  // namespace millrace::worker
