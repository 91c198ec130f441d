// What bad records cost: the same input on the memory log with none of them, and with one in a hundred
// that cannot be decoded, or makes a function throw, and is skipped (ENGINE §4: at least half of the
// clean rate).
//
//   build/bench/bad_records_bench
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

#include "log/memory/memory_log.h"
#include "millrace/dsl.h"
#include "worker/worker.h"

namespace millrace {
namespace {

constexpr int kRecords = 50'000;

enum class Bad { kNone, kUndecodable, kThrowing };

Topology counting() {
  StreamsBuilder builder;
  builder.stream<std::string, std::int64_t>("in")
      .map_values([](const std::int64_t& value) {
        if (value < 0) throw std::domain_error("negative");
        return value + 1;
      })
      .group_by_key()
      .count("n")
      .to_stream()
      .drop_tombstones()
      .to("out");
  return builder.build();
}

void fill(log::memory::MemoryLog& log, Bad bad) {
  log.create_topic({"in", 1, {}});
  log.create_topic({"out", 1, {}});
  Serde<std::int64_t> serde;
  for (int i = 0; i < kRecords; ++i) {
    const bool is_bad = bad != Bad::kNone && i % 100 == 99;
    Bytes value;
    serde.serialize(is_bad ? -1 : i, value);
    if (is_bad && bad == Bad::kUndecodable) value = "short";
    const std::string key = std::to_string(i % 1'000);
    const auto put =
        log.append("in", Partition(0), {.key = key, .value = value, .timestamp = from_ms(i)});
    if (!put.ok()) throw std::logic_error(put.status().message());
  }
}

void records(benchmark::State& state, Bad bad) {
  const Topology topology = counting();
  for (auto _ : state) {
    state.PauseTiming();
    ManualClock clock(from_ms(1'000'000));
    log::memory::MemoryLog log(clock, {});
    fill(log, bad);
    worker::WorkerOptions options;
    options.application_id = "app";
    options.transactional_id = "app-1";
    options.errors.deserialization = ErrorAction::kSkip;
    options.errors.processing = ErrorAction::kSkip;
    worker::Worker worker(topology.graph(), options, log, clock, null_logger());
    state.ResumeTiming();
    while (log.committed_offset("app", {"in", Partition(0)}).offset != Offset(kRecords)) {
      worker.step();
      log.step();
      clock.advance(Duration(1));
    }
  }
  state.SetItemsProcessed(state.iterations() * kRecords);
}

BENCHMARK_CAPTURE(records, none_bad, Bad::kNone)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(records, one_percent_undecodable, Bad::kUndecodable)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(records, one_percent_throwing, Bad::kThrowing)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace
