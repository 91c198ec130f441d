// What happened, straight from the data files: nothing here knows the topology or the library.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace flights::check {

struct TrueDeparture {
  std::string airport, city, state;
  std::int64_t planned_ms = 0;  // the hour that it belongs to
  std::int64_t left_ms = 0;     // when its record was written
  int delay = 0;                // minutes
};

// Airport → its departures in the order in which they left.
using Truth = std::map<std::string, std::vector<TrueDeparture>>;

// Errors: std::runtime_error that names file and line.
Truth read_truth(const std::string& directory);

// "2001-01-31 18:05", and ":30.250" more if it is not a whole minute.
std::string time_text(std::int64_t ms);

}  // namespace flights::check
