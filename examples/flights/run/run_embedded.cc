#include "run/run_embedded.h"

#include <millrace/embedded_log.h>
#include <millrace/streams.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "flights_topology.h"
#include "run/embedded_arrivals.h"
#include "run/embedded_topics.h"
#include "run/progress.h"
#include "text.h"

namespace flights {

namespace {

using namespace std::chrono_literals;
using millrace::EmbeddedLog;
using millrace::EmbeddedReader;
using millrace::EmbeddedWriter;
using millrace::Streams;

std::string status(const Streams::Progress& progress) {
  return with_commas(progress.commits) + " commits";
}

// Appends what the topic does not have yet: the records of a topic are the first of `records`, because
// they were appended in this order and a transaction is there or is not.
class Feeder {
 public:
  Feeder(EmbeddedLog& log, const std::string& topic, const std::vector<InputRecord>& records)
      : records_(records), writer_(log, bytes_of(topic)), sent_(count_records(log, topic)) {}

  std::size_t sent() const { return sent_; }
  bool done() const { return sent_ == records_.size(); }

  // Effect: all before `end` are in the log, in one transaction.
  void append_until(std::size_t end) {
    end = std::min(end, records_.size());
    if (end <= sent_) return;
    for (; sent_ < end; ++sent_) {
      const InputRecord& record = records_[sent_];
      writer_.append(record.key, record.value, record.timestamp);
    }
    writer_.commit();
  }

 private:
  const std::vector<InputRecord>& records_;
  EmbeddedWriter<std::string, std::string> writer_;
  std::size_t sent_;
};

}  // namespace

void work_embedded(const std::string& directory, const Replay& replay, double per_second,
                   millrace::StreamsConfig config, const std::function<void(std::int64_t)>& tell) {
  EmbeddedLog log(journal_in(directory));
  make_topics(log);
  Feeder(log, kAirports.name(), replay.airports).append_until(replay.airports.size());
  Feeder feeder(log, kFlights.name(), replay.flights);
  if (feeder.sent() > 0) {
    std::printf("  goes on behind %s flights\n",
                with_commas(static_cast<std::int64_t>(feeder.sent())).c_str());
  }

  Streams app(flights_topology(), embedded_config(directory, log, std::move(config)));
  app.start();
  EmbeddedArrivals arrivals(log);
  const std::size_t before = feeder.sent();
  Progress progress(static_cast<std::int64_t>(replay.flights.size()), arrivals.flights());
  while (arrivals.flights() < static_cast<std::int64_t>(replay.flights.size())) {
    check_running(app);
    const double due = per_second > 0 ? progress.seconds() * per_second : 1e9;
    feeder.append_until(before + static_cast<std::size_t>(due));
    arrivals.take_in(5ms);
    progress.show(arrivals.flights(), status(app.progress()));
    if (tell) tell(arrivals.flights());
  }
  if (!app.close(30s)) throw std::runtime_error("the topology did not stop within 30 s");
  check_running(app);
}

Results read_embedded(const std::string& directory) {
  EmbeddedLog log(journal_in(directory));
  Results results;
  for (const std::string& topic : result_topics()) {
    EmbeddedReader<std::string, std::optional<std::string>> reader(
        log, millrace::Topic<std::string, std::optional<std::string>>(topic));
    while (!reader.at_end()) {
      auto record = reader.read(1s);
      if (!record) continue;
      results.topics[topic].push_back({record->partition.value(), std::move(record->key),
                                       std::move(record->value),
                                       millrace::to_ms(record->timestamp)});
    }
  }
  return results;
}

}  // namespace flights
