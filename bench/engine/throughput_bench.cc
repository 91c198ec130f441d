// The whole engine on the embedded log, exactly once, a commit every 100 ms: records per CPU second of
// the process, and what writing the input costs beside it.
//
//   throughput_bench [records]
#include <millrace/dsl.h>
#include <millrace/logging.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "figures.h"

namespace {

using namespace millrace;
using namespace std::chrono_literals;

Topology pass_through() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .filter([](const std::string& value) { return !value.empty(); })
      .to("out");
  return builder.build();
}

Topology windowed_count(StoreKind kind) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .group_by_key()
      .windowed_by(TimeWindows{.size = 1min, .grace = 10s})
      .count("counts", {.store = kind})
      .to_stream()
      .drop_tombstones()
      .to(Topic<Windowed<std::string>, std::int64_t>(
          "out", {.key = time_windowed_serde<std::string>(1min)}));
  return builder.build();
}

void measure(const std::string& name, Topology topology, std::int64_t records) {
  const bench::Scratch scratch;
  EmbeddedLog log(scratch.path() + "/journal", {}, &null_logger());
  log.create_topic("out", 2);
  const double before = bench::cpu_seconds();
  bench::append_input(log, "in", {.records = records});
  const double generating = bench::cpu_seconds() - before;
  Streams app(std::move(topology), {.application_id = name,
                                    .embedded_log = &log,
                                    .state_dir = scratch.path() + "/state",
                                    .logger = &null_logger()});
  const double began = bench::wall_seconds();
  const double cpu = bench::run_to_end(app, records);
  const double wall = bench::wall_seconds() - began;
  const auto n = static_cast<double>(records);
  bench::figure(name + ".records_per_cpu_second", n / cpu, "1/s");
  bench::figure(name + ".cpu_per_record", cpu / n * 1e9, "ns");
  bench::figure(name + ".records_per_second", n / wall, "1/s");
  bench::figure(name + ".generator_per_record", generating / n * 1e9, "ns");
  bench::figure(name + ".peak_memory", bench::peak_megabytes(), "MB");
}

}  // namespace

int main(int argc, char** argv) try {
  const std::int64_t records = argc > 1 ? std::atoll(argv[1]) : 5'000'000;
  measure("pass_through", pass_through(), records);
  measure("windowed_count.in_memory", windowed_count(StoreKind::kInMemory), records);
  measure("windowed_count.persistent", windowed_count(StoreKind::kPersistent), records);
} catch (const std::exception& e) {
  std::fprintf(stderr, "throughput_bench: %s\n", e.what());
  return 1;
}
