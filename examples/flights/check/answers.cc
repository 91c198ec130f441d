#include "check/answers.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace flights::check {

namespace {

using nlohmann::json;

std::string delays_text(std::int64_t flights, std::int64_t minutes) {
  return std::to_string(flights) + " flights, " + std::to_string(minutes) + " minutes";
}

std::string average_text(std::int64_t flights, double minutes) {
  char text[64];
  std::snprintf(text, sizeof text, "%lld flights, %.17g minutes", static_cast<long long>(flights),
                minutes);
  return text;
}

std::string airport_text(const std::string& city, const std::string& state, std::int64_t flights,
                         std::int64_t minutes, int worst) {
  return city + ", " + state + ": " + delays_text(flights, minutes) + ", worst " +
         std::to_string(worst);
}

std::string departure_text(const std::string& city, const std::string& state, int delay,
                           std::int64_t planned_ms) {
  return city + ", " + state + ": " + time_text(planned_ms) + ", delay " + std::to_string(delay);
}

std::string number_of(const std::string& airport, std::size_t n) {
  std::string digits = std::to_string(n);
  return airport + " #" + std::string(5 - std::min<std::size_t>(5, digits.size()), '0') + digits;
}

// 8 bytes, the most significant first.
std::int64_t read_long(const std::string& bytes, std::size_t at) {
  if (bytes.size() != at + 8) throw std::runtime_error("no 8 bytes");
  std::uint64_t value = 0;
  for (std::size_t i = at; i < bytes.size(); ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return static_cast<std::int64_t>(value);
}

std::string plain_name(const std::string& key) { return key; }

// A windowed key is a state of two letters, then the window's start.
std::string window_name(const std::string& key) {
  return key.substr(0, 2) + " " + time_text(read_long(key, 2));
}

// The last record of each key; a null value deletes.
Answers latest(const std::vector<ResultRecord>& records,
               const std::function<std::string(const std::string& key)>& name,
               const std::function<std::string(const std::string& value)>& text) {
  Answers answers;
  for (const ResultRecord& record : records) try {
      if (record.value) {
        answers[name(record.key)] = text(*record.value);
      } else {
        answers.erase(name(record.key));
      }
    } catch (const std::exception& e) {
      answers[record.key] = std::string("unreadable: ") + e.what();
    }
  return answers;
}

std::map<std::string, Sum> sums_by(const Truth& truth, std::string TrueDeparture::*key) {
  std::map<std::string, Sum> sums;
  for (const auto& [airport, departures] : truth) {
    for (const TrueDeparture& departure : departures) {
      Sum& sum = sums[departure.*key];
      ++sum.flights;
      sum.minutes += departure.delay;
    }
  }
  return sums;
}

Answers window_answers(const WindowSums& windows,
                       const std::function<std::string(const Sum&)>& text) {
  Answers answers;
  for (const auto& [window, sum] : windows.sums) {
    answers[window.first + " " + time_text(window.second)] = text(sum);
  }
  return answers;
}

}  // namespace

Comparison compare(std::string what, const Answers& expected, const Answers& found) {
  constexpr std::size_t kExamples = 5;
  Comparison result{std::move(what), 0, 0, {}};
  const auto look = [&](const std::string& name, const std::string& should, const std::string& is) {
    ++result.compared;
    if (should == is) return;
    ++result.different;
    if (result.examples.size() < kExamples) {
      result.examples.push_back(name + ": should be '" + should + "', is '" + is + "'");
    }
  };
  for (const auto& [name, should] : expected) {
    const auto is = found.find(name);
    look(name, should, is == found.end() ? "(nothing)" : is->second);
  }
  for (const auto& [name, is] : found) {
    if (!expected.contains(name)) look(name, "(nothing)", is);
  }
  return result;
}

Answers true_departures(const Truth& truth) {
  Answers answers;
  for (const auto& [airport, departures] : truth) {
    for (std::size_t i = 0; i < departures.size(); ++i) {
      const TrueDeparture& d = departures[i];
      answers[number_of(airport, i + 1)] = departure_text(d.city, d.state, d.delay, d.planned_ms);
    }
  }
  return answers;
}

Answers true_airport_delays(const Truth& truth) {
  Answers answers;
  const auto sums = sums_by(truth, &TrueDeparture::airport);
  for (const auto& [airport, departures] : truth) {
    const auto worst = std::max_element(departures.begin(), departures.end(),
                                        [](auto& a, auto& b) { return a.delay < b.delay; });
    const Sum& sum = sums.at(airport);
    answers[airport] =
        airport_text(worst->city, worst->state, sum.flights, sum.minutes, worst->delay);
  }
  return answers;
}

Answers true_state_delays(const Truth& truth) {
  Answers answers;
  for (const auto& [state, sum] : sums_by(truth, &TrueDeparture::state)) {
    answers[state] = delays_text(sum.flights, sum.minutes);
  }
  return answers;
}

Answers average_delays(const WindowSums& windows) {
  return window_answers(windows, [](const Sum& sum) {
    return average_text(sum.flights,
                        static_cast<double>(sum.minutes) / static_cast<double>(sum.flights));
  });
}

Answers flight_counts(const WindowSums& windows) {
  return window_answers(windows, [](const Sum& sum) { return std::to_string(sum.flights); });
}

Answers found_departures(const std::vector<ResultRecord>& records) {
  Answers answers;
  std::map<std::string, std::size_t> seen;
  for (const ResultRecord& record : records) try {
      const json departure = json::parse(record.value.value_or(""));
      const std::string airport = departure.at("airport");
      const std::string state = departure.at("state");
      std::string text =
          departure_text(departure.at("city"), state, departure.at("delay"), record.timestamp_ms);
      if (record.key != state) text += ", under key '" + record.key + "'";
      answers[number_of(airport, ++seen[airport])] = std::move(text);
    } catch (const std::exception& e) {
      answers[number_of("?", ++seen["?"])] = std::string("unreadable: ") + e.what();
    }
  return answers;
}

Answers found_airport_delays(const std::vector<ResultRecord>& records) {
  return latest(records, plain_name, [](const std::string& value) {
    const json airport = json::parse(value);
    return airport_text(airport.at("city"), airport.at("state"), airport.at("flights"),
                        airport.at("minutes"), airport.at("worst"));
  });
}

Answers found_state_delays(const std::vector<ResultRecord>& records) {
  return latest(records, plain_name, [](const std::string& value) {
    const json state = json::parse(value);
    return delays_text(state.at("flights"), state.at("minutes"));
  });
}

Answers found_average_delays(const std::vector<ResultRecord>& records) {
  return latest(records, window_name, [](const std::string& value) {
    const json average = json::parse(value);
    return average_text(average.at("flights"), average.at("minutes"));
  });
}

Answers found_flight_counts(const std::vector<ResultRecord>& records) {
  return latest(records, window_name,
                [](const std::string& value) { return std::to_string(read_long(value, 0)); });
}

std::vector<std::vector<const TrueDeparture*>> in_order_of(
    const std::vector<ResultRecord>& departures, const Truth& truth) {
  std::vector<std::vector<const TrueDeparture*>> partitions;
  std::map<std::string, std::size_t> seen;
  for (const ResultRecord& record : departures) {
    const json departure = json::parse(record.value.value_or(""), nullptr, false);
    if (!departure.is_object()) continue;  // a difference elsewhere
    const std::string airport = departure.value("airport", "");
    const auto known = truth.find(airport);
    const std::size_t n = seen[airport]++;
    if (known == truth.end() || n >= known->second.size()) continue;  // likewise
    const auto partition = static_cast<std::size_t>(record.partition);
    if (partitions.size() <= partition) partitions.resize(partition + 1);
    partitions[partition].push_back(&known->second[n]);
  }
  return partitions;
}

}  // namespace flights::check
