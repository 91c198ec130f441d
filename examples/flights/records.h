// What the topics of this example hold. All values are JSON, but for the counts, which are Java's
// longs; keys are strings, or windowed strings.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace flights {

// As in the data file. `date` is when the flight should leave, in the airport's local time:
// "2001/01/31 18:05". `delay` is in minutes, and negative for a flight that is early.
struct Flight {
  std::string date, origin, destination;
  int delay = 0, distance = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Flight, date, origin, destination, delay, distance)

struct Airport {
  std::string name, city, state;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Airport, name, city, state)

// A flight together with its airport.
struct Departure {
  std::string airport, city, state;
  int delay = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Departure, airport, city, state, delay)

// Flights, and their delays added up.
struct Delays {
  std::int64_t flights = 0, minutes = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Delays, flights, minutes)

struct AverageDelay {
  std::int64_t flights = 0;
  double minutes = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AverageDelay, flights, minutes)

struct AirportDelays {
  std::string city, state;
  std::int64_t flights = 0, minutes = 0;
  int worst = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AirportDelays, city, state, flights, minutes, worst)

}  // namespace flights
