// How long the worker's thread is busy with one record, while a store grows to millions of keys from
// empty: one step of the worker takes one record, and everything that comes between (events, commits,
// growing indexes, expiry) is in the step that it delays.
//
//   latency_bench [keys]
#include <millrace/dsl.h>
#include <millrace/logging.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "figures.h"
#include "histogram.h"
#include "worker/worker.h"

namespace {

using namespace millrace;
using namespace std::chrono_literals;

Topology counts() {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in").group_by_key().count(
      "counts", {.store = StoreKind::kInMemory});
  return builder.build();
}

void measure(std::int64_t keys) {
  const bench::Scratch scratch;
  EmbeddedLog log(scratch.path() + "/journal", {}, &null_logger());
  bench::append_input(log, "in", {.records = keys, .keys = keys, .growing = true});

  const Topology topology = counts();
  worker::WorkerOptions options;
  options.application_id = "latency";
  options.transactional_id = "latency-1";
  options.max_records_per_step = 1;
  worker::Worker worker(topology.graph(), options, detail::log_of(log), SystemClock::instance(),
                        null_logger());
  bench::Histogram busy;
  std::int64_t taken = 0;
  while (!worker.finished() && !(worker.counts().records >= keys && worker.quiet())) {
    const std::uint64_t before = bench::now_ns();
    const bool moved = worker.step();
    const std::uint64_t took = bench::now_ns() - before;
    if (worker.counts().records > taken || took > 1'000'000) busy.add(took);
    taken = worker.counts().records;
    if (!moved) worker.inbox().wait(Duration(1));
  }
  if (worker.finished()) throw std::runtime_error(worker.failure());
  const std::string name = "record_in_memory." + std::to_string(keys / 1'000'000) + "M_keys";
  bench::figure(name + ".p50", busy.at(0.50) / 1e3, "us");
  bench::figure(name + ".p99", busy.at(0.99) / 1e3, "us");
  bench::figure(name + ".p99_9", busy.at(0.999) / 1e3, "us");
  bench::figure(name + ".longest", busy.longest() / 1e6, "ms");
  bench::figure(name + ".peak_memory", bench::peak_megabytes(), "MB");
}

}  // namespace

int main(int argc, char** argv) try {
  measure(argc > 1 ? std::atoll(argv[1]) : 10'000'000);
} catch (const std::exception& e) {
  std::fprintf(stderr, "latency_bench: %s\n", e.what());
  return 1;
}
