// The program that tools/crash kills: feeds and runs the crash topology on a journal in a directory,
// and goes on where the last one died.
//
//   crash_worker --dir DIR [--seed S] [--until N] [--commit-ms 20] [--feed-ms 3] [--segment-bytes B]
//               [--threads 2] [--sync off]
//
// Without --until it runs until it is killed. With it the input ends with transaction N; when all of it
// is processed the program closes in order and says "done". Each transaction of input that is durable
// is acknowledged by a line "fed N". --sites lists the failpoints that are built in.
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
#include "log/journal/journal_log.h"
#include "millrace/clock.h"
#include "millrace/detail/failpoint.h"
#include "worker/worker.h"

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
  std::uint64_t segment_bytes = 256 * 1024;
  bool sync = true;
  int threads = 2;
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

// What the threads share.
struct Run {
  std::atomic<bool> closing{false};
  std::atomic<bool> fed{false};
  std::atomic<bool> failed{false};

  void fail(const std::string& why) {
    say("failed: " + why);
    failed = true;
  }
};

void work(int thread, const Topology& topology, const Options& options, log::Log& log, Run& run) {
  try {
    worker::WorkerOptions wanted;
    wanted.application_id = kApplication;
    wanted.transactional_id = kApplication + '-' + std::to_string(thread);
    wanted.commit_interval = options.commit_interval;
    worker::Worker worker(topology.graph(), std::move(wanted), log, SystemClock::instance(),
                          stderr_logger());
    while (!worker.finished()) {
      if (run.closing) worker.close();
      if (worker.step()) continue;
      Duration wait{10};
      if (const auto next = worker.next_timer()) {
        wait = std::clamp(*next - SystemClock::instance().monotonic(), Duration{0}, wait);
      }
      worker.inbox().wait(wait);
    }
    if (!worker.failure().empty()) run.fail(worker.failure());
  } catch (const std::exception& e) {
    run.fail(e.what());
  }
}

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
    for (std::int64_t n = next_transaction(client); !run.closing && !run.failed; ++n) {
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

int run(const Options& options) {
  auto opened = log::journal::JournalLog::open(
      {.directory = options.directory + "/journal",
       .sync = options.sync ? log::journal::Sync::kCommit : log::journal::Sync::kOff,
       .segment_bytes = options.segment_bytes},
      {.logger = stderr_logger()});
  if (!opened.ok()) throw std::runtime_error(opened.status().message());
  log::Log& log = *opened.value();
  LogClient client(log);
  std::vector<log::NewTopic> topics{{"feed", 1, {{"retention.ms", "-1"}}}};
  for (const char* topic :
       {"orders", "customers", "taken", "arrived", "totals", "counts", "visits"})
    topics.push_back({topic, kPartitions, {{"retention.ms", "-1"}}});
  client.create_topics(topics);

  Run run;
  const Topology topology = crash_topology();
  std::vector<std::thread> threads;
  for (int i = 0; i < options.threads; ++i)
    threads.emplace_back([&, i] { work(i, topology, options, log, run); });
  threads.emplace_back([&] { feed(options, log, run); });
  say("running");
  while (!run.failed && !(run.fed && everything_processed(client)))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  run.closing = true;
  for (std::thread& thread : threads) thread.join();
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
