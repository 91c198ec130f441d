#include "run/run_in_memory.h"

#include <millrace/test_driver.h>

#include <cstdio>

#include "flights_topology.h"
#include "run/progress.h"
#include "text.h"

namespace flights {

namespace {

using millrace::TopologyTestDriver;

millrace::TestOptions options_for(std::optional<std::uint64_t> hostile) {
  millrace::TestOptions options{.hostile = hostile, .commit_each_input = false};
  options.partitions = {{kFlights.name(), kPartitions}, {kAirports.name(), kPartitions}};
  for (const std::string& topic : result_topics()) options.partitions[topic] = kPartitions;
  return options;
}

// Late records by the name of their window store; the driver counts them as "store/late".
std::map<std::string, std::int64_t> late_records(TopologyTestDriver& driver) {
  constexpr std::string_view kLate = "/late";
  std::map<std::string, std::int64_t> late;
  for (const auto& [what, count] : driver.dropped_records()) {
    if (what.ends_with(kLate)) late[what.substr(0, what.size() - kLate.size())] = count;
  }
  return late;
}

std::string status(TopologyTestDriver& driver, bool hostile) {
  const millrace::TestCounts counts = driver.counts();
  std::string text = with_commas(counts.commits) + " commits";
  if (hostile) {
    text += ", " + with_commas(counts.aborts) + " aborts, " + with_commas(counts.fences) +
            " fences, " + with_commas(counts.unknown_outcomes) + " in doubt, " +
            with_commas(counts.revocations) + " revoked";
  }
  text += ", " + with_commas(late_records(driver)["hourly-delays"]) + " late";
  return text;
}

}  // namespace

Results run_in_memory(const Replay& replay, std::optional<std::uint64_t> hostile) {
  TopologyTestDriver driver(flights_topology(), {.application_id = "flights-demo"},
                            options_for(hostile));
  // Values are JSON already; to the log they are bytes.
  auto airports = driver.create_input_topic(Topic<std::string, std::string>(kAirports.name()));
  auto flights = driver.create_input_topic(Topic<std::string, std::string>(kFlights.name()));

  std::printf("On a log in this process with %d partitions%s\n", kPartitions,
              hostile ? ", which is hostile" : "");
  Progress progress(static_cast<std::int64_t>(replay.flights.size()));
  for (const InputRecord& airport : replay.airports) {
    airports.pipe_input(airport.key, airport.value, airport.timestamp);
  }
  std::int64_t done = 0;
  for (const InputRecord& flight : replay.flights) {
    flights.pipe_input(flight.key, flight.value, flight.timestamp);
    if (++done % 1000 == 0 && !progress.at_end(done)) {
      progress.show(done, status(driver, hostile.has_value()));
    }
  }
  driver.settle();
  progress.show(done, status(driver, hostile.has_value()));

  Results results;
  for (const std::string& topic : result_topics()) {
    for (auto& record : driver.committed_records(topic)) {
      results.topics[topic].push_back({record.partition.value(), std::move(record.key).value_or(""),
                                       std::move(record.value), millrace::to_ms(record.timestamp)});
    }
  }
  results.late = late_records(driver);
  return results;
}

}  // namespace flights
