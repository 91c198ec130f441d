#include "run/embedded_topics.h"

#include <millrace/logging.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "flights_topology.h"
#include "results.h"

namespace flights {

std::string journal_in(const std::string& directory) { return directory + "/journal"; }

void make_topics(millrace::EmbeddedLog& log) {
  for (const std::string& topic : result_topics()) log.create_topic(topic, kPartitions);
  log.create_topic(kAirports.name(), kPartitions);
  log.create_topic(kFlights.name(), kPartitions);
}

millrace::Topic<std::string, std::string> bytes_of(const std::string& topic) {
  return millrace::Topic<std::string, std::string>(topic);
}

std::size_t count_records(millrace::EmbeddedLog& log, const std::string& topic) {
  millrace::EmbeddedReader<std::string, std::string> reader(log, bytes_of(topic));
  std::size_t count = 0;
  while (!reader.at_end()) {
    if (reader.read(std::chrono::seconds(1))) ++count;
  }
  return count;
}

millrace::StreamsConfig embedded_config(const std::string& directory, millrace::EmbeddedLog& log,
                                        millrace::StreamsConfig config) {
  if (config.application_id.empty()) config.application_id = "flights-demo";
  config.embedded_log = &log;
  config.state_dir = directory + "/state";
  static millrace::FileLogger warnings(stderr, millrace::LogLevel::kWarning);
  if (config.logger == nullptr) config.logger = &warnings;
  return config;
}

void check_running(const millrace::Streams& app) {
  if (app.state() == millrace::Streams::State::kFailed) throw std::runtime_error(app.failure());
}

}  // namespace flights
