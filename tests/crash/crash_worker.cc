// The program that tools/crash kills: feeds and runs the crash topology on a journal in a directory,
// and goes on where the last one died.
//
//   crash_worker --dir DIR [--seed S] [--until N] [--commit-ms 20] [--feed-ms 3] [--segment-bytes B]
//               [--threads 2] [--churn-ms 0] [--cleaner-ms MS] [--sync off]
//
// Without --until it runs until it is killed. With it the input ends with transaction N; when all of it
// is processed the program closes in order and says "done". Each transaction of input that is durable
// is acknowledged by a line "fed N". --sites lists the failpoints that are built in.
#include <millrace/embedded_log.h>
#include <millrace/streams.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "crash/crash_topology.h"
#include "crash/feed.h"
#include "crash/log_client.h"
#include "millrace/clock.h"
#include "millrace/detail/failpoint.h"

namespace crash {
namespace {

using namespace millrace;

constexpr std::int32_t kPartitions = 2;
const std::string kApplication = "crash";

struct Options {
  std::string directory;
  std::uint64_t seed = 1;
  std::int64_t until = -1;
  Duration commit_interval{20};
  Duration feed_pause{3};
  std::uint64_t segment_bytes = 1 << 20;
  bool sync = true;
  int threads = 2;
  Duration cleaner_interval{3'600'000};
  Duration churn{0};  // how often a thread comes or goes; 0: never
};

Options parse(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  Options options;
  for (const auto& [name, value] : given) {
    const long long number = std::atoll(value.c_str());
    if (name == "--dir") {
      options.directory = value;
    } else if (name == "--seed") {
      options.seed = static_cast<std::uint64_t>(number);
    } else if (name == "--until") {
      options.until = number;
    } else if (name == "--commit-ms") {
      options.commit_interval = Duration(number);
    } else if (name == "--feed-ms") {
      options.feed_pause = Duration(number);
    } else if (name == "--segment-bytes") {
      options.segment_bytes = static_cast<std::uint64_t>(number);
    } else if (name == "--threads") {
      options.threads = static_cast<int>(number);
    } else if (name == "--churn-ms") {
      options.churn = Duration(number);
    } else if (name == "--cleaner-ms") {
      options.cleaner_interval = Duration(number);
    } else if (name == "--sync") {
      options.sync = value != "off";
    } else {
      throw std::invalid_argument("unknown option " + name);
    }
  }
  if (options.directory.empty()) throw std::invalid_argument("--dir is missing");
  return options;
}

// One write, so that a line is there whole before the next instruction that may be the last one.
void say(const std::string& line) {
  const std::string all = line + '\n';
  if (::write(STDOUT_FILENO, all.data(), all.size()) < 0) std::perror("crash_worker");
}

// What the feeder and the rest say to each other.
struct Run {
  std::atomic<bool> closing{false};
  std::atomic<bool> fed{false};
  std::atomic<bool> failed{false};

  void fail(const std::string& why) {
    say("failed: " + why);
    failed = true;
  }
};

// Says from where each store is replayed.
class Restores final : public RestoreListener {
 public:
  void on_start(const Restore& restore) override {
    say("restores " + restore.store + ' ' + std::to_string(restore.changelog.partition.value()) +
        ' ' + std::to_string(restore.start.value()));
  }
};

std::int64_t next_transaction(LogClient& client) {
  const TopicPartition feed{"feed", Partition(0)};
  const Offset end = client.end(feed);
  const Offset from(std::max<std::int64_t>(0, end.value() - 10));
  const auto last = client.last_value(feed, from, end);
  if (!last && end > Offset(0))
    throw std::runtime_error("the feed ends with more gaps than it can");
  return last ? std::stoll(*last) + 1 : 0;
}

void feed(const Options& options, log::Log& log, Run& run) {
  try {
    LogClient client(log);
    client.become_producer("feeder");
    for (std::int64_t n = next_transaction(client); !run.closing; ++n) {
      if (options.until >= 0 && n >= options.until) break;
      std::vector<FedRecord> records = transaction(options.seed, n);
      if (is_aborted_first(options.seed, n)) {
        std::vector<FedRecord> others = records;
        for (FedRecord& record : others) record.value = "aborted|p0|1";
        client.write_and_abort(others, kPartitions);
      }
      records.push_back({.topic = "feed", .key = {}, .value = std::to_string(n), .timestamp = n});
      client.write(records, kPartitions);
      say("fed " + std::to_string(n));
      std::this_thread::sleep_for(options.feed_pause);
    }
    run.fed = true;
  } catch (const std::exception& e) {
    run.fail(std::string("feeder: ") + e.what());
  }
}

// Everything that is read was read, and what that made was read, too.
bool everything_processed(LogClient& client) {
  for (const std::string topic : {"orders", "customers", "crash-by-product-repartition"}) {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      const TopicPartition where{topic, Partition(p)};
      // Offsets between the last record and the end may belong to nobody.
      const Offset next = std::max(client.committed(kApplication, where), Offset(0));
      const Offset end = client.end(where);
      if (next < end && client.last_value(where, next, end)) return false;
    }
  }
  return true;
}

// A thread comes, the next one goes, and so on: partitions move while they are worked on.
class Churn {
 public:
  explicit Churn(Duration every) : every_(every), next_(now() + every) {}
  void step(Streams& app) {
    if (every_ == Duration(0) || now() < next_) return;
    next_ = now() + every_;
    if (more_ ? app.add_thread().has_value() : app.remove_thread().has_value()) more_ = !more_;
  }

 private:
  static Duration now() { return SystemClock::instance().monotonic(); }

  const Duration every_;
  Duration next_;
  bool more_ = true;
};

int run(const Options& options) {
  EmbeddedLog embedded(
      options.directory + "/journal",
      {{"embedded.segment.bytes", std::to_string(options.segment_bytes)},
       {"embedded.cleaner.interval.ms", std::to_string(options.cleaner_interval.count())},
       {"embedded.sync", options.sync ? "commit" : "off"}});
  embedded.create_topic("feed", 1, {{"retention.ms", "-1"}});
  for (const char* topic : {"orders", "customers", "taken", "arrived", "totals", "counts", "visits",
                            "sessions", kDead}) {
    embedded.create_topic(topic, kPartitions, {{"retention.ms", "-1"}});
  }

  Restores restores;
  Streams app(crash_topology(),
              {.application_id = kApplication,
               .embedded_log = &embedded,
               .commit_interval = options.commit_interval,
               .num_stream_threads = options.threads,
               .errors = {.processing = ErrorAction::kDeadLetter, .dead_letter_topic = kDead},
               .state_dir = options.directory + "/state"});
  app.on_restore(restores);
  app.start();
  log::Log& log = detail::log_of(embedded);
  Run run;
  std::thread feeder([&] { feed(options, log, run); });
  say("running");
  LogClient client(log);
  const auto failed = [&] { return run.failed || app.state() == Streams::State::kFailed; };
  Churn churn(options.churn);
  while (!failed() && !(run.fed && everything_processed(client))) {
    churn.step(app);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  run.closing = true;
  feeder.join();
  const bool closed = app.close(Duration(60'000));
  if (app.state() == Streams::State::kFailed) run.fail(app.failure());
  if (!closed) run.fail("not closed within a minute");
  if (!run.failed) say("done");
  return run.failed ? 1 : 0;
}

}  // namespace
}  // namespace crash

int main(int argc, char** argv) try {
#ifdef MILLRACE_FAILPOINTS
  if (argc == 2 && std::string(argv[1]) == "--sites") {
    for (const std::string& site : millrace::failpoint::sites()) std::puts(site.c_str());
    return 0;
  }
#endif
  return crash::run(crash::parse(argc, argv));
} catch (const std::exception& e) {
  crash::say(std::string("failed: ") + e.what());
  return 1;
}
