#include "run/follow.h"

#include <millrace/embedded_log.h>
#include <millrace/streams.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "flights_topology.h"
#include "run/embedded_arrivals.h"
#include "run/embedded_topics.h"
#include "text.h"

namespace flights {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using millrace::EmbeddedLog;
using millrace::EmbeddedWriter;
using millrace::Streams;

constexpr std::chrono::days kOnePass{93};  // longer than the data: time never goes back

volatile std::sig_atomic_t stop_asked = 0;

// The flight as it would be `later`.
Flight postponed(const InputRecord& record, std::chrono::days later) {
  Flight flight = nlohmann::json::parse(record.value).get<Flight>();
  const auto planned = planned_departure(flight) + later;
  const auto day = std::chrono::floor<std::chrono::days>(planned);
  const std::chrono::year_month_day date{day};
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(planned - day).count();
  char text[32];
  std::snprintf(text, sizeof(text), "%04d/%02u/%02u %02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(minutes / 60), static_cast<int>(minutes % 60));
  flight.date = text;
  return flight;
}

class EndlessFeeder {
 public:
  // Behind what the topic has already, from an earlier run.
  EndlessFeeder(EmbeddedLog& log, const Replay& replay)
      : replay_(replay),
        writer_(log, kFlights),
        sent_(static_cast<std::int64_t>(count_records(log, kFlights.name()))) {}

  std::int64_t sent() const { return sent_; }

  void append_until(std::int64_t end) {
    if (end <= sent_) return;
    for (; sent_ < end; ++sent_) {
      const auto size = static_cast<std::int64_t>(replay_.flights.size());
      const InputRecord& record = replay_.flights[static_cast<std::size_t>(sent_ % size)];
      const std::chrono::days later = kOnePass * (sent_ / size);
      writer_.append(record.key, postponed(record, later), record.timestamp + later);
    }
    writer_.commit();
  }

 private:
  const Replay& replay_;
  EmbeddedWriter<std::string, Flight> writer_;
  std::int64_t sent_;
};

// How long the newest result had been waited for.
class Freshness {
 public:
  void sent(std::int64_t flights) { sent_.push_back({flights, Clock::now()}); }
  void arrived(std::int64_t flights) {
    for (; !sent_.empty() && sent_.front().flights <= flights; sent_.pop_front()) {
      newest_ = Clock::now() - sent_.front().at;
    }
  }
  std::chrono::milliseconds newest() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(newest_);
  }

 private:
  struct Sent {
    std::int64_t flights;
    Clock::time_point at;
  };
  std::deque<Sent> sent_;
  Clock::duration newest_{};
};

std::int64_t resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / (1 << 20);
}

void print_line(double seconds, std::int64_t a_second, std::int64_t waiting,
                std::chrono::milliseconds newest, const Streams::Progress& progress) {
  std::printf("%7.0f s  %9s/s  %8s waiting  %6lld ms old  %8s commits  %5s MB\n", seconds,
              with_commas(a_second).c_str(), with_commas(waiting).c_str(),
              static_cast<long long>(newest.count()), with_commas(progress.commits).c_str(),
              with_commas(resident_megabytes()).c_str());
  std::fflush(stdout);
}

}  // namespace

void follow(const std::string& directory, const Replay& replay, double per_second,
            millrace::StreamsConfig config) {
  EmbeddedLog log(journal_in(directory));
  make_topics(log);
  EmbeddedWriter<std::string, std::string> airports(log, bytes_of(kAirports.name()));
  if (count_records(log, kAirports.name()) == 0) {
    for (const InputRecord& airport : replay.airports) {
      airports.append(airport.key, airport.value, airport.timestamp);
    }
    airports.commit();
  }
  EndlessFeeder feeder(log, replay);
  EmbeddedArrivals arrivals(log);
  Streams app(flights_topology(), embedded_config(directory, log, std::move(config)));
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  app.start();

  std::printf("Flights without end; Ctrl-C ends\n");
  const std::int64_t before = feeder.sent();
  const auto start = Clock::now();
  auto next_line = start + 1s;
  std::int64_t shown = 0;
  Freshness freshness;
  while (!stop_asked) {
    check_running(app);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    feeder.append_until(before + static_cast<std::int64_t>(seconds * per_second));
    freshness.sent(feeder.sent());
    arrivals.take_in(5ms);
    freshness.arrived(arrivals.flights());
    if (Clock::now() < next_line) continue;
    next_line += 1s;
    if (shown == 0) shown = before;
    print_line(seconds, arrivals.flights() - shown, feeder.sent() - arrivals.flights(),
               freshness.newest(), app.progress());
    shown = arrivals.flights();
  }
  if (!app.close(30s)) throw std::runtime_error("the topology did not stop within 30 s");
  check_running(app);
}

}  // namespace flights
