// How many flights have come out of the topology.
#pragma once

#include <millrace/embedded_log.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace flights {

// Every flight makes one record in each of three topics; what it does to the windows is in the same
// transaction as its departure.
class EmbeddedArrivals {
 public:
  // Effect: takes in what came out before.
  explicit EmbeddedArrivals(millrace::EmbeddedLog& log);

  // Effect: takes in what has been committed since; waits at most so long for the first.
  void take_in(std::chrono::milliseconds at_most);

  // Flights that have come out at all three.
  std::int64_t flights() const;

 private:
  struct End {
    millrace::EmbeddedReader<std::string, std::string> reader;
    std::int64_t seen = 0;
  };
  std::vector<End> ends_;
};

}  // namespace flights
