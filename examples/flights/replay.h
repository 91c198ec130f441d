// The data files as records for the topics: what the demo feeds into the topology.
#pragma once

#include <millrace/time.h>

#include <string>
#include <vector>

namespace flights {

struct InputRecord {
  std::string key;
  std::string value;
  millrace::Timestamp timestamp;
};

struct Replay {
  std::vector<InputRecord> airports;  // older than every flight
  std::vector<InputRecord> flights;   // in the order in which they left, and stamped with that time
};

// Reads flights-20k.jsonl and airports.csv. Errors: std::runtime_error that names the file.
Replay read_replay(const std::string& directory);

}  // namespace flights
