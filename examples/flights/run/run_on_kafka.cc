#include "run/run_on_kafka.h"

#include <millrace/streams.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <map>
#include <stdexcept>
#include <thread>

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

// Throws what stopped the topology, if it stopped.
void check_running(const Streams& app) {
  if (app.state() == Streams::State::kFailed) throw std::runtime_error(app.failure());
}

// Every flight makes one record in each of these topics; what it does to the windows is in the same
// transaction as its departure.
class Arrivals {
 public:
  explicit Arrivals(const ClientSettings& settings) : reader_(settings, topics()) {}

  // Effect: takes in some of what has been committed since; waits a millisecond if nothing has.
  void take_in() {
    constexpr int kSome = 100;  // the next flights must not wait long
    for (int i = 0; i < kSome; ++i) {
      const auto read = reader_.read(i == 0 ? 1 : 0);
      if (!read) return;
      ++seen_[read->topic];
      last_ = SteadyClock::now();
    }
  }
  // Flights that have come out at all ends of the topology.
  std::int64_t flights() {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const std::string& topic : topics()) least = std::min(least, seen_[topic]);
    return least;
  }
  bool stuck() const { return SteadyClock::now() - last_ > kStuckAfter; }

 private:
  static std::vector<std::string> topics() {
    return {kDepartures.name(), kAirportDelays.name(), kStateDelays.name()};
  }

  ResultReader reader_;
  std::map<std::string, std::int64_t> seen_;
  SteadyClock::time_point last_ = SteadyClock::now();
};

// The flights as if they left now, a month in seconds: written while the topology runs.
void replay_flights(const std::vector<InputRecord>& flights, double per_second, InputWriter& writer,
                    Streams& app, const ClientSettings& settings) {
  Arrivals arrivals(settings);
  // The first alone: what is sent before the client knows the partitions piles up, and goes out
  // partition by partition.
  std::size_t sent = 0;
  writer.send(kFlights.name(), flights[sent++]);
  writer.flush();
  Progress progress(static_cast<std::int64_t>(flights.size()));
  do {
    check_running(app);
    const double due = per_second > 0 ? progress.seconds() * per_second : 1e9;
    for (; sent < flights.size() && static_cast<double>(sent) < due; ++sent) {
      writer.send(kFlights.name(), flights[sent]);
    }
    arrivals.take_in();
    progress.show(arrivals.flights(), status(app.progress()));
    if (arrivals.stuck()) {
      std::printf("  nothing new for %lld s: what is there is checked\n",
                  static_cast<long long>(kStuckAfter.count()));
      return;
    }
  } while (arrivals.flights() < static_cast<std::int64_t>(flights.size()));
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

Results run_on_kafka(const Replay& replay, double per_second, millrace::StreamsConfig config) {
  if (config.application_id.empty()) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    config.application_id = "flights-demo-" + std::to_string(now / 1ms);
  }
  config.validate();
  std::printf("On Kafka at %s with %d partitions, as %s\n", config.bootstrap_servers.c_str(),
              kPartitions, config.application_id.c_str());
  const ClientSettings settings = settings_of(config);
  std::vector<std::string> topics = result_topics();
  topics.insert(topics.end(), {kAirports.name(), kFlights.name()});
  create_topics(settings, topics);

  InputWriter writer(settings);
  for (const InputRecord& airport : replay.airports) writer.send(kAirports.name(), airport);
  writer.flush();

  Streams app(flights_topology(), config);
  app.start();
  const auto airports = static_cast<std::int64_t>(replay.airports.size());
  while (app.progress().records < airports) {
    check_running(app);
    std::this_thread::sleep_for(20ms);
  }
  std::printf("  %s airports are in the table; the flights begin\n", with_commas(airports).c_str());
  std::fflush(stdout);
  replay_flights(replay.flights, per_second, writer, app, settings);
  if (!app.close(30s)) throw std::runtime_error("the topology did not stop within 30 s");
  check_running(app);

  return {.topics = read_results(settings), .late = {}};
}

}  // namespace flights
