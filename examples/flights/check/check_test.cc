// The checker finds what it is there to find: any single wrong, missing or additional record.
#include "check/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "check/truth.h"
#include "check/windows.h"
#include "replay.h"
#include "run/run_in_memory.h"

namespace flights::check {
namespace {

const Results& true_results() {
  static const Results results = run_in_memory(read_replay(FLIGHTS_DATA), std::nullopt);
  return results;
}

const Truth& truth() {
  static const Truth truth = read_truth(FLIGHTS_DATA);
  return truth;
}

// The comparisons that are not equal, by their number.
std::vector<std::size_t> wrong_in(const Results& results) {
  const Outcome outcome = check(truth(), results);
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < outcome.comparisons.size(); ++i) {
    const Comparison& comparison = outcome.comparisons[i];
    if (comparison.different > 0) wrong.push_back(i);
    EXPECT_EQ(comparison.examples.empty(), comparison.different == 0) << comparison.what;
  }
  EXPECT_EQ(outcome.equal(), wrong.empty());
  return wrong;
}

using Wrong = std::vector<std::size_t>;
constexpr std::size_t kDepartures = 0, kAirports = 1, kStates = 2, kHours = 3, kSixHours = 4,
                      kLate = 5;

TEST(FlightsCheck, TrueResultsAreEqual) {
  EXPECT_EQ(wrong_in(true_results()), Wrong());
  EXPECT_EQ(check(truth(), true_results()).comparisons.at(kDepartures).compared, 20'000u);
}

TEST(FlightsCheck, FindsALostDeparture) {
  Results results = true_results();
  results.topics["departures"].pop_back();
  const Wrong wrong = wrong_in(results);
  EXPECT_TRUE(std::count(wrong.begin(), wrong.end(), kDepartures));
}

TEST(FlightsCheck, FindsADepartureThatCameTwice) {
  Results results = true_results();
  auto& departures = results.topics["departures"];
  departures.push_back(departures.back());
  EXPECT_EQ(wrong_in(results), Wrong{kDepartures});
}

TEST(FlightsCheck, FindsTwoDeparturesInTheWrongOrder) {
  Results results = true_results();
  auto& departures = results.topics["departures"];
  // The last two of one airport.
  const auto same_airport = [&](const ResultRecord& record) {
    return record.value->find("ATL") != std::string::npos &&
           record.value != departures.back().value;
  };
  const auto second = std::find_if(departures.rbegin(), departures.rend(), same_airport);
  ASSERT_NE(second, departures.rend());
  const auto first = std::find_if(second + 1, departures.rend(), [&](const ResultRecord& record) {
    return same_airport(record) && record.timestamp_ms != second->timestamp_ms;
  });
  ASSERT_NE(first, departures.rend());
  std::swap(*first, *second);
  const Wrong wrong = wrong_in(results);
  EXPECT_TRUE(std::count(wrong.begin(), wrong.end(), kDepartures));
}

TEST(FlightsCheck, FindsATimestampThatIsWrong) {
  Results results = true_results();
  ++results.topics["departures"][1000].timestamp_ms;
  EXPECT_EQ(wrong_in(results), Wrong{kDepartures});
}

TEST(FlightsCheck, FindsAResultThatIsMissing) {
  const std::map<std::string, std::size_t> topics = {{"airport-delays", kAirports},
                                                     {"state-delays", kStates},
                                                     {"hourly-delays", kHours},
                                                     {"departures-in-6h", kSixHours}};
  for (const auto& [topic, number] : topics) {
    Results results = true_results();
    auto& records = results.topics[topic];
    const std::string key = records.back().key;
    std::erase_if(records, [&](const ResultRecord& record) { return record.key == key; });
    EXPECT_EQ(wrong_in(results), Wrong{number}) << topic;
  }
}

TEST(FlightsCheck, FindsAResultThatIsOneBehind) {
  Results results = true_results();
  auto& counts = results.topics["departures-in-6h"];
  const std::string one("\0\0\0\0\0\0\0\1", 8);
  std::set<std::string> seen;
  // The last record of a window that counted more than one.
  const auto last = std::find_if(counts.rbegin(), counts.rend(), [&](const ResultRecord& record) {
    return seen.insert(record.key).second && record.value != one;
  });
  ASSERT_NE(last, counts.rend());
  counts.erase(std::next(last).base());
  EXPECT_EQ(wrong_in(results), Wrong{kSixHours});
}

TEST(FlightsCheck, FindsAResultThatShouldNotBe) {
  Results results = true_results();
  ResultRecord record = results.topics["hourly-delays"].back();
  record.key.back() = static_cast<char>(record.key.back() ^ 1);  // another window
  results.topics["hourly-delays"].push_back(record);
  EXPECT_EQ(wrong_in(results), Wrong{kHours});
}

TEST(FlightsCheck, FindsADeletedResult) {
  Results results = true_results();
  ResultRecord record = results.topics["airport-delays"].back();
  record.value.reset();
  results.topics["airport-delays"].push_back(record);
  EXPECT_EQ(wrong_in(results), Wrong{kAirports});
}

TEST(FlightsCheck, FindsLateRecordsThatWereNotCounted) {
  Results results = true_results();
  --results.late["hourly-delays"];
  EXPECT_EQ(wrong_in(results), Wrong{kLate});
}

TEST(FlightsCheck, SaysWhatCannotBeRead) {
  Results results = true_results();
  results.topics["state-delays"].back().value = "{";
  const Outcome outcome = check(truth(), results);
  ASSERT_EQ(outcome.comparisons.at(kStates).different, 1u);
  EXPECT_NE(outcome.comparisons.at(kStates).examples.front().find("unreadable"), std::string::npos);
}

// By hand: an hour is closed once the time is at its end plus grace.
TEST(FlightsCheck, ClosesWindowsByHand) {
  constexpr std::int64_t kMinute = 60'000;
  const auto at = [](std::int64_t minute, int delay) {
    return TrueDeparture{"ATL", "Atlanta", "GA", minute * kMinute, 0, delay};
  };
  const TrueDeparture early = at(59, 5), next_hour = at(60 + 14, 0), in_grace = at(30, 7),
                      closes = at(60 + 15, 0), late = at(58, 90);
  const WindowSums hours = windows_of({{&early, &next_hour, &in_grace, &closes, &late}},
                                      {60 * kMinute, 60 * kMinute, 15 * kMinute});
  EXPECT_EQ(hours.late, 1);
  ASSERT_EQ(hours.sums.size(), 2u);
  EXPECT_EQ(hours.sums.at({"GA", 0}).flights, 2);
  EXPECT_EQ(hours.sums.at({"GA", 0}).minutes, 12);
  EXPECT_EQ(hours.sums.at({"GA", 60 * kMinute}).flights, 2);

  // Two-hour windows that hop by one: each departure is in two of them.
  const WindowSums hopping = windows_of({{&closes}}, {120 * kMinute, 60 * kMinute, 15 * kMinute});
  EXPECT_EQ(hopping.late, 0);
  EXPECT_EQ(hopping.sums.size(), 2u);
}

}  // namespace
}  // namespace flights::check
