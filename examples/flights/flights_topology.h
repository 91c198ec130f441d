// Departures, joined with their airports, counted and averaged per state and per airport.
//
//   flights ──┐
//             join ──┬─ by airport ───────────────────────────────────── airport-delays
//   airports ─┘      │     └─ by state (a table of a table) ──────────── state-delays
//                    └─ by state ─┬──────────────────────────────────── departures
//                                 ├─ tumbling hours ─────────────────── hourly-delays
//                                 └─ six hours, hopping by one ──────── departures-in-6h
#pragma once

#include <millrace/serde_json.h>
#include <millrace/time.h>
#include <millrace/topic.h>
#include <millrace/topology.h>
#include <millrace/windowed.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "records.h"

namespace flights {

using millrace::Topic;
using millrace::Windowed;

inline constexpr std::chrono::hours kHour{1};
inline constexpr std::chrono::hours kSixHours{6};
inline constexpr std::chrono::minutes kGrace{15};

// Inputs, keyed by the airport's IATA code. They must have the same number of partitions.
inline const Topic<std::string, Flight> kFlights("flights");
inline const Topic<std::string, Airport> kAirports("airports");

// Outputs. The last record of a key is its result. kDepartures is no table: it has every departure
// once, keyed by state, in the order in which the windows saw them.
inline const Topic<std::string, Departure> kDepartures("departures");
inline const Topic<Windowed<std::string>, AverageDelay> kHourlyDelays(
    "hourly-delays", {.key = millrace::time_windowed_serde<std::string>(kHour)});
inline const Topic<Windowed<std::string>, std::int64_t> kDeparturesIn6h(
    "departures-in-6h", {.key = millrace::time_windowed_serde<std::string>(kSixHours)});
inline const Topic<std::string, AirportDelays> kAirportDelays("airport-delays");
inline const Topic<std::string, Delays> kStateDelays("state-delays");

millrace::Topology flights_topology();

// When the flight should leave; the airport's local time as if it were UTC.
// Errors: std::invalid_argument if its date is none.
millrace::Timestamp planned_departure(const Flight& flight);

}  // namespace flights
