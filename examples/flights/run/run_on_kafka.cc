#include "run/run_on_kafka.h"

#include <millrace/streams.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "flights_topology.h"
#include "run/kafka_client.h"
#include "run/progress.h"
#include "text.h"

namespace flights {

namespace {

using namespace std::chrono_literals;
using millrace::Streams;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kStuckAfter = 30s;

// What the user said of all clients; "consumer." and the like are for those of the topology.
ClientSettings settings_of(const millrace::StreamsConfig& config) {
  ClientSettings settings = config.properties;
  std::erase_if(settings, [](const auto& setting) {
    return setting.first.starts_with("consumer.") || setting.first.starts_with("producer.") ||
           setting.first.starts_with("admin.");
  });
  settings["bootstrap.servers"] = config.bootstrap_servers;
  return settings;
}

std::string status(const Streams::Progress& progress) {
  return with_commas(progress.commits) + " commits, " + with_commas(progress.records) +
         " records taken";
}

// Waits until every flight has come out at both ends of the topology. Each flight makes one record
// in each of these topics; what it does to the windows is in the same transaction as its departure.
void wait_for_results(Streams& app, const ClientSettings& settings, std::int64_t flights) {
  std::map<std::string, std::int64_t> seen = {
      {kDepartures.name(), 0}, {kAirportDelays.name(), 0}, {kStateDelays.name(), 0}};
  std::vector<std::string> topics;
  for (const auto& [topic, count] : seen) topics.push_back(topic);
  ResultReader reader(settings, topics);
  Progress progress(flights);
  auto last_move = SteadyClock::now();
  for (;;) {
    if (app.state() == Streams::State::kFailed) throw std::runtime_error(app.failure());
    if (const auto read = reader.read(50)) {
      ++seen[read->topic];
      last_move = SteadyClock::now();
    }
    const std::int64_t done =
        std::min({seen[kDepartures.name()], seen[kAirportDelays.name()], seen[kStateDelays.name()]});
    progress.show(done, status(app.progress()));
    if (done >= flights) return;
    if (SteadyClock::now() - last_move > kStuckAfter) {
      std::printf("  nothing new for %lld s: %s\n", static_cast<long long>(kStuckAfter.count()),
                  "what is there is checked\n");
      return;
    }
  }
}

ResultTopics read_results(const ClientSettings& settings) {
  ResultTopics topics;
  ResultReader reader(settings, result_topics());
  auto last_move = SteadyClock::now();
  while (!reader.at_end()) {
    if (auto read = reader.read(100)) {
      topics[read->topic].push_back(std::move(read->record));
      last_move = SteadyClock::now();
    } else if (SteadyClock::now() - last_move > kStuckAfter) {
      throw std::runtime_error("the results cannot be read to their end: an open transaction?");
    }
  }
  return topics;
}

}  // namespace

Results run_on_kafka(const Replay& replay, millrace::StreamsConfig config) {
  if (config.application_id.empty()) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    config.application_id = "flights-demo-" + std::to_string(now / 1ms);
  }
  config.validate();
  const ClientSettings settings = settings_of(config);
  std::vector<std::string> topics = result_topics();
  topics.insert(topics.end(), {kAirports.name(), kFlights.name()});
  create_topics(settings, topics);

  InputWriter writer(settings);
  for (const InputRecord& airport : replay.airports) writer.send(kAirports.name(), airport);
  writer.flush();

  Streams app(flights_topology(), config);
  app.start();
  for (const InputRecord& flight : replay.flights) writer.send(kFlights.name(), flight);
  writer.flush();

  wait_for_results(app, settings, static_cast<std::int64_t>(replay.flights.size()));
  if (!app.close(30s)) throw std::runtime_error("the topology did not stop within 30 s");
  if (app.state() == Streams::State::kFailed) throw std::runtime_error(app.failure());

  return {.topics = read_results(settings), .late = {}};
}

}  // namespace flights
