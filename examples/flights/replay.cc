#include "replay.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>

#include "flights_topology.h"

namespace flights {

namespace {

// Before all flights. Not 0, which to Kafka's C client means "now".
constexpr std::chrono::sys_days kAirportsSince = std::chrono::year(2000) / 1 / 1;

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) throw std::runtime_error("cannot read " + path);
  return lines;
}

// The fields of one line of CSV: a field may be quoted, "" in it is one quote.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[i++];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

}  // namespace

Replay read_replay(const std::string& directory) {
  Replay replay;

  auto airport_serde = kAirports.serdes().value;
  const auto airports = lines_of(directory + "/airports.csv");
  for (std::size_t i = 1; i < airports.size(); ++i) {  // 0: the names of the columns
    const auto fields = fields_of(airports[i]);
    if (fields.size() < 4) throw std::runtime_error("airports.csv: not an airport: " + airports[i]);
    InputRecord record{fields[0], {}, kAirportsSince};
    airport_serde.serialize({.name = fields[1], .city = fields[2], .state = fields[3]},
                            record.value);
    replay.airports.push_back(std::move(record));
  }

  for (std::string& line : lines_of(directory + "/flights-20k.jsonl")) {
    const Flight flight = nlohmann::json::parse(line).get<Flight>();
    const auto left = planned_departure(flight) + std::chrono::minutes(flight.delay);
    replay.flights.push_back({flight.origin, std::move(line), left});
  }
  std::stable_sort(
      replay.flights.begin(), replay.flights.end(),
      [](const InputRecord& a, const InputRecord& b) { return a.timestamp < b.timestamp; });
  return replay;
}

}  // namespace flights
