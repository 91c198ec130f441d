#include "check/check.h"

#include <algorithm>

#include "check/answers.h"
#include "check/truth.h"
#include "check/windows.h"

namespace flights::check {

namespace {

// The questions that were asked, by topic, in milliseconds.
constexpr std::int64_t kMinute = 60'000;
constexpr WindowShape kHours{60 * kMinute, 60 * kMinute, 15 * kMinute};
constexpr WindowShape kSixHours{6 * 60 * kMinute, 60 * kMinute, 15 * kMinute};

const std::vector<ResultRecord>& records_of(const Results& results, const std::string& topic) {
  static const std::vector<ResultRecord> none;
  const auto found = results.topics.find(topic);
  return found == results.topics.end() ? none : found->second;
}

}  // namespace

Outcome check(const Truth& truth, const Results& results) {
  const auto& departures = records_of(results, "departures");
  const auto in_order = in_order_of(departures, truth);
  const WindowSums hours = windows_of(in_order, kHours);
  const WindowSums six_hours = windows_of(in_order, kSixHours);

  Outcome outcome;
  outcome.late_hourly = hours.late;
  outcome.late_in_6h = six_hours.late;
  const auto add = [&](std::string what, const Answers& expected, const Answers& found) {
    outcome.comparisons.push_back(compare(std::move(what), expected, found));
  };
  add("departures, each once and in order", true_departures(truth), found_departures(departures));
  add("delays by airport", true_airport_delays(truth),
      found_airport_delays(records_of(results, "airport-delays")));
  add("delays by state", true_state_delays(truth),
      found_state_delays(records_of(results, "state-delays")));
  add("average delays by state and hour", average_delays(hours),
      found_average_delays(records_of(results, "hourly-delays")));
  add("departures by state in six hours", flight_counts(six_hours),
      found_flight_counts(records_of(results, "departures-in-6h")));
  if (!results.late.empty()) {
    Answers counted;
    for (const auto& [store, late] : results.late) counted[store] = std::to_string(late);
    add("late records that the engine counted",
        {{"hourly-delays", std::to_string(hours.late)},
         {"departures-in-6h", std::to_string(six_hours.late)}},
        counted);
  }
  return outcome;
}

std::size_t Outcome::compared() const {
  std::size_t all = 0;
  for (const Comparison& comparison : comparisons) all += comparison.compared;
  return all;
}

bool Outcome::equal() const {
  return std::all_of(comparisons.begin(), comparisons.end(),
                     [](const Comparison& comparison) { return comparison.different == 0; });
}

}  // namespace flights::check
