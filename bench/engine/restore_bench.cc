// What a start costs: with the state intact on disk, and without it, when a million keys come from the
// changelog; and what only reading that changelog costs.
//
//   restore_bench [keys]
#include <millrace/dsl.h>
#include <millrace/logging.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "figures.h"

namespace {

using namespace millrace;
using namespace std::chrono_literals;

Topology counts() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").group_by_key().count("counts");
  return builder.build();
}

struct Cost {
  double wall;
  double cpu;
};

// From start() until every task runs.
Cost start(Streams& app) {
  const double wall = bench::wall_seconds();
  const double cpu = bench::cpu_seconds();
  app.start();
  while (app.state() != Streams::State::kRunning) {
    if (app.state() == Streams::State::kFailed) throw std::runtime_error(app.failure());
    std::this_thread::sleep_for(200us);
  }
  return {bench::wall_seconds() - wall, bench::cpu_seconds() - cpu};
}

Cost read_all(EmbeddedLog& log, const std::string& topic, std::int64_t& records) {
  const double wall = bench::wall_seconds();
  const double cpu = bench::cpu_seconds();
  EmbeddedReader<std::string, std::string> reader(log, Topic<std::string, std::string>(topic));
  while (!reader.at_end()) {
    if (reader.read(100ms)) ++records;
  }
  return {bench::wall_seconds() - wall, bench::cpu_seconds() - cpu};
}

void measure(std::int64_t keys) {
  const bench::Scratch scratch;
  const std::string state = scratch.path() + "/state";
  const auto with_app = [&](auto f) {
    EmbeddedLog log(scratch.path() + "/journal", {}, &null_logger());
    if (!log.partitions("in")) {
      bench::append_input(log, "in", {.records = keys, .keys = keys, .growing = true});
    }
    Streams app(counts(), {.application_id = "restore",
                           .embedded_log = &log,
                           .state_dir = state,
                           .logger = &null_logger()});
    f(app, log);
  };
  with_app([&](Streams& app, EmbeddedLog&) { bench::run_to_end(app, keys); });
  Cost cost{};
  with_app([&](Streams& app, EmbeddedLog&) {
    cost = start(app);
    app.close(60s);
  });
  bench::figure("restart.disk_intact", cost.wall * 1e3, "ms");

  std::filesystem::remove_all(state);
  std::int64_t records = 0;
  Cost raw{};
  with_app([&](Streams&, EmbeddedLog& log) {
    raw = read_all(log, "restore-counts-changelog", records);
  });
  with_app([&](Streams& app, EmbeddedLog&) {
    cost = start(app);
    app.close(60s);
  });
  const auto n = static_cast<double>(records);
  bench::figure("restore.records", n, "1");
  bench::figure("restore.records_per_second", n / cost.wall, "1/s");
  bench::figure("restore.records_per_cpu_second", n / cost.cpu, "1/s");
  bench::figure("restore.raw_read_per_cpu_second", n / raw.cpu, "1/s");
  bench::figure("restore.share_of_raw_read", raw.cpu / cost.cpu * 100, "%");
}

}  // namespace

int main(int argc, char** argv) try {
  measure(argc > 1 ? std::atoll(argv[1]) : 1'000'000);
} catch (const std::exception& e) {
  std::fprintf(stderr, "restore_bench: %s\n", e.what());
  return 1;
}
