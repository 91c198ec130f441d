#include "check/truth.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace flights::check {

namespace {

constexpr std::int64_t kMinute = 60'000;

struct Place {
  std::string city, state;
};

[[noreturn]] void refuse(const std::string& path, std::size_t line) {
  throw std::runtime_error(path + ":" + std::to_string(line) + ": not what it should be");
}

// One field of CSV, quoted or not, with the comma behind it.
std::string take_field(std::istringstream& line) {
  std::string field;
  if (line.peek() != '"') {
    std::getline(line, field, ',');
    return field;
  }
  line.get();
  for (std::string part; std::getline(line, part, '"');) {
    field += part;
    if (line.peek() != '"') break;  // else: two quotes are one
    field += static_cast<char>(line.get());
  }
  line.get();
  return field;
}

std::map<std::string, Place> read_places(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, Place> places;
  std::string text;
  std::getline(file, text);  // the names of the columns
  for (std::size_t number = 2; std::getline(file, text); ++number) {
    std::istringstream line(text);
    const std::string iata = take_field(line);
    take_field(line);
    Place place;
    place.city = take_field(line);
    place.state = take_field(line);
    if (!line || iata.empty() || place.state.size() != 2) refuse(path, number);
    places[iata] = place;
  }
  return places;
}

// "2001/01/31 18:05"
std::int64_t read_time(const std::string& text) {
  const auto number = [&](std::size_t at, std::size_t length) {
    return std::stoi(text.substr(at, length));
  };
  const std::chrono::sys_days day = std::chrono::year(number(0, 4)) / number(5, 2) / number(8, 2);
  return day.time_since_epoch().count() * 24 * 60 * kMinute +
         (number(11, 2) * 60 + number(14, 2)) * kMinute;
}

}  // namespace

Truth read_truth(const std::string& directory) {
  const auto places = read_places(directory + "/airports.csv");
  const std::string path = directory + "/flights-20k.jsonl";
  std::ifstream file(path);
  Truth truth;
  std::size_t number = 1;
  for (std::string line; std::getline(file, line); ++number) try {
      const auto flight = nlohmann::json::parse(line);
      const std::string airport = flight.at("origin");
      const auto place = places.find(airport);
      if (place == places.end()) continue;  // an inner join makes nothing of it
      const std::int64_t planned = read_time(flight.at("date"));
      const int delay = flight.at("delay");
      truth[airport].push_back({airport, place->second.city, place->second.state, planned,
                                planned + delay * kMinute, delay});
    } catch (const std::exception&) {
      refuse(path, number);
    }
  if (truth.empty()) refuse(path, number);
  // Those that left in the same minute stay in the order of the file.
  for (auto& [airport, departures] : truth) {
    std::stable_sort(departures.begin(), departures.end(),
                     [](const auto& a, const auto& b) { return a.left_ms < b.left_ms; });
  }
  return truth;
}

std::string time_text(std::int64_t ms) {
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(ms)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[48];
  int length = std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d", int(date.year()),
                             unsigned(date.month()), unsigned(date.day()),
                             int(clock.hours().count()), int(clock.minutes().count()));
  if (ms % kMinute != 0) {
    length += std::snprintf(text + length, sizeof text - std::size_t(length), ":%02d.%03d",
                            int(clock.seconds().count()), int(clock.subseconds().count()));
  }
  return {text, std::size_t(length)};
}

}  // namespace flights::check
