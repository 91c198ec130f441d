#include "report.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "flights_topology.h"
#include "text.h"

namespace flights {

namespace {

// A table as its topic tells it: the last value of each key.
template <class K, class V>
std::map<K, V> table_of(const Results& results, const Topic<K, V>& topic) {
  std::map<K, V> table;
  auto serdes = topic.serdes();
  const auto records = results.topics.find(topic.name());
  if (records == results.topics.end()) return table;
  for (const ResultRecord& record : records->second) {
    K key{};
    serdes.key.deserialize(record.key, key);
    if (record.value) {
      serdes.value.deserialize(*record.value, table[key]);
    } else {
      table.erase(key);
    }
  }
  return table;
}

// The first n rows, sorted by what `measure` says, greatest first.
template <class K, class V, class Measure>
std::vector<std::pair<K, V>> top(const std::map<K, V>& table, std::size_t n, Measure measure) {
  std::vector<std::pair<K, V>> rows(table.begin(), table.end());
  std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
    return measure(a.second) > measure(b.second);
  });
  rows.resize(std::min(rows.size(), n));
  return rows;
}

template <class Sums>
double mean(const Sums& sums) {
  return static_cast<double>(sums.minutes) / static_cast<double>(sums.flights);
}

std::string hour_text(millrace::Timestamp t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%02u-%02u %02d:00", unsigned(date.month()),
                unsigned(date.day()), int(std::chrono::floor<std::chrono::hours>(t - day).count()));
  return text;
}

void print_airports(const Results& results) {
  constexpr std::int64_t kEnough = 50;
  auto airports = table_of(results, kAirportDelays);
  const std::size_t all = airports.size();
  std::erase_if(airports, [](const auto& row) { return row.second.flights < kEnough; });
  std::printf("\nMost delayed airports (of %zu, with at least %lld flights)\n", all,
              static_cast<long long>(kEnough));
  std::printf("  %-4s  %-22s %8s  %8s  %9s\n", "", "", "flights", "mean", "worst");
  for (const auto& [iata, a] : top(airports, 8, [](const auto& x) { return mean(x); })) {
    std::printf("  %-4s  %-22s %8lld  %4.1f min  %5d min\n", iata.c_str(),
                (a.city + ", " + a.state).c_str(), static_cast<long long>(a.flights), mean(a),
                a.worst);
  }
}

void print_states(const Results& results) {
  const auto states = table_of(results, kStateDelays);
  std::map<std::string, std::int64_t> in_time;
  for (const auto& [key, hour] : table_of(results, kHourlyDelays)) in_time[key.key] += hour.flights;
  std::map<std::string, std::pair<std::int64_t, millrace::Timestamp>> busiest;
  for (const auto& [key, flights] : table_of(results, kDeparturesIn6h)) {
    auto& most = busiest[key.key];
    if (flights > most.first) most = {flights, key.window.start};
  }
  std::printf("\nBusiest states (of %zu)\n", states.size());
  std::printf("  %-4s %8s  %8s  %15s  %s\n", "", "flights", "mean", "late records",
              "busiest six hours");
  for (const auto& [state, sums] : top(states, 8, [](const auto& x) { return x.flights; })) {
    std::printf("  %-4s %8lld  %4.1f min  %6lld (%4.1f %%)  %lld from %s\n", state.c_str(),
                static_cast<long long>(sums.flights), mean(sums),
                static_cast<long long>(sums.flights - in_time[state]),
                100 * static_cast<double>(sums.flights - in_time[state]) /
                    static_cast<double>(sums.flights),
                static_cast<long long>(busiest[state].first),
                hour_text(busiest[state].second).c_str());
  }
}

void print_hours(const Results& results) {
  constexpr std::int64_t kEnough = 5;
  auto hours = table_of(results, kHourlyDelays);
  const std::size_t all = hours.size();
  std::erase_if(hours, [](const auto& row) { return row.second.flights < kEnough; });
  std::printf("\nWorst hours (of %s, with at least %lld flights)\n",
              with_commas(static_cast<std::int64_t>(all)).c_str(), static_cast<long long>(kEnough));
  for (const auto& [key, hour] : top(hours, 5, [](const auto& x) { return x.minutes; })) {
    std::printf("  %-4s  %s  %lld flights, delayed by %.1f minutes on average\n", key.key.c_str(),
                hour_text(key.window.start).c_str(), static_cast<long long>(hour.flights),
                hour.minutes);
  }
}

}  // namespace

void print_tables(const Results& results) {
  print_airports(results);
  print_states(results);
  print_hours(results);
}

void print_late(const check::Outcome& outcome) {
  std::printf(
      "\nLate: %s departures came after their hour had been closed (15 min of grace), and were\n"
      "left out of it; %s times one of the six-hour windows of a departure was closed.\n",
      with_commas(outcome.late_hourly).c_str(), with_commas(outcome.late_in_6h).c_str());
}

void print_check(const check::Outcome& outcome) {
  std::printf("\nEvery answer, computed again from the files without the engine\n");
  for (const check::Comparison& comparison : outcome.comparisons) {
    const auto compared = static_cast<std::int64_t>(comparison.compared);
    const auto different = static_cast<std::int64_t>(comparison.different);
    std::printf("  %-40s %7s  %s\n", comparison.what.c_str(), with_commas(compared).c_str(),
                different == 0 ? "equal" : (with_commas(different) + " DIFFERENT").c_str());
    for (const std::string& example : comparison.examples) std::printf("    %s\n", example.c_str());
    if (comparison.different > comparison.examples.size()) std::printf("    ...\n");
  }
  const auto all = with_commas(static_cast<std::int64_t>(outcome.compared()));
  std::printf("%s: %s answers\n", outcome.equal() ? "equal" : "NOT EQUAL", all.c_str());
}

}  // namespace flights
