#include "flights_topology.h"

#include <millrace/dsl.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace flights {

namespace {

using millrace::KeyValue;
using millrace::RecordContext;
using millrace::StreamsBuilder;
using millrace::Timestamp;
using millrace::TimeWindows;

// A flight belongs to the hour for which it was planned. Its record is written when it leaves, so
// that the delayed flights are the late records.
Timestamp departure_time(const std::string&, const Flight& flight, const RecordContext&) {
  return planned_departure(flight);
}

Departure departure(const std::string& airport, const Flight& flight, const Airport& from) {
  return {airport, from.city, from.state, flight.delay};
}

Delays with_departure(const Departure& departure, Delays delays) {
  return {delays.flights + 1, delays.minutes + departure.delay};
}

AverageDelay average(const Delays& delays) {
  return {delays.flights,
          static_cast<double>(delays.minutes) / static_cast<double>(delays.flights)};
}

AirportDelays of_airport(const Departure& departure, AirportDelays airport) {
  airport.worst = airport.flights == 0 ? departure.delay : std::max(airport.worst, departure.delay);
  ++airport.flights;
  airport.minutes += departure.delay;
  airport.city = departure.city;
  airport.state = departure.state;
  return airport;
}

}  // namespace

Timestamp planned_departure(const Flight& flight) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0;
  if (std::sscanf(flight.date.c_str(), "%4d/%2u/%2u %2u:%2u", &year, &month, &day, &hour,
                  &minute) != 5) {
    throw std::invalid_argument("a flight's date is no date: '" + flight.date + "'");
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute);
}

millrace::Topology flights_topology() {
  StreamsBuilder builder;
  const auto airports = builder.table(kAirports);
  const auto departures =
      builder.stream(kFlights, {.timestamp = departure_time}).join(airports, departure);

  // Per airport; and from that table, whose rows change, per state.
  const auto by_airport =
      departures.group_by_key().aggregate("airport-delays", AirportDelays{}, of_airport);
  by_airport.to_stream().drop_tombstones().to(kAirportDelays);
  by_airport
      .group_by("airports-by-state",
                [](const AirportDelays& airport) {
                  return KeyValue{airport.state, Delays{airport.flights, airport.minutes}};
                })
      .aggregate(
          "state-delays", Delays{},
          [](const Delays& airport, Delays state) {
            return Delays{state.flights + airport.flights, state.minutes + airport.minutes};
          },
          [](const Delays& airport, Delays state) {
            return Delays{state.flights - airport.flights, state.minutes - airport.minutes};
          })
      .to_stream()
      .drop_tombstones()
      .to(kStateDelays);

  // Per state and window of time. What group_by() does in one step is written out here, because the
  // departures in their new order are a result, too.
  const auto by_state = departures.select_key(&Departure::state).repartition("departures-by-state");
  by_state.to(kDepartures);
  const auto in_state = by_state.group_by_key();

  in_state.windowed_by(TimeWindows{.size = kHour, .grace = kGrace})
      .aggregate("hourly-delays", Delays{}, with_departure)
      .map_values(average)
      .to_stream()
      .drop_tombstones()
      .to(kHourlyDelays);

  in_state.windowed_by(TimeWindows{.size = kSixHours, .advance = kHour, .grace = kGrace})
      .count("departures-in-6h")
      .to_stream()
      .drop_tombstones()
      .to(kDeparturesIn6h);

  return builder.build();
}

}  // namespace flights
