#include "streams/worker/failures.h"

#include <algorithm>
#include <stdexcept>

namespace millrace::worker {

namespace {

std::string shown(const log::memory::StoredRecord& record) {
  return record.key.value_or("null") + "=" + record.value.value_or("null") + "@" +
         std::to_string(to_ms(record.timestamp));
}

}  // namespace

Seen run(const Topology& topology, const std::vector<Input>& input, const RunOptions& options) {
  ManualClock clock(options.start);
  log::memory::MemoryLogOptions log_options;
  if (options.hostile) {
    log_options.hostile = log::memory::HostileOptions::everything(*options.hostile);
  }
  log::memory::MemoryLog log(clock, log_options);
  for (const std::string& topic : graph::external_topics(topology.graph())) {
    log.create_topic({topic, options.partitions,
                      topic == "out" ? options.out_config : std::map<std::string, std::string>{}});
  }
  if (!options.errors.dead_letter_topic.empty()) {
    log.create_topic({options.errors.dead_letter_topic, 1, {}});
  }
  Headers headers;
  headers.add("trace", "7");
  for (const Input& record : input) {
    const auto put = log.append("in", Partition(record.partition),
                                {.key = record.key,
                                 .value = record.value,
                                 .timestamp = from_ms(record.at),
                                 .headers = &headers});
    if (!put.ok()) throw std::logic_error(put.status().message());
  }

  WorkerOptions wanted;
  wanted.application_id = "app";
  wanted.transactional_id = "app-1";
  wanted.errors = options.errors;
  wanted.max_records_per_step = options.records_per_step;
  wanted.commit_interval = options.commit_interval;
  wanted.forget_typed_values = options.hostile.has_value();
  wanted.rehearse_steps = options.hostile.value_or(0) % 2 == 1;
  Worker worker(topology.graph(), wanted, log, clock, null_logger());
  Seen seen;
  const auto all_read = [&] {
    std::map<std::int32_t, std::int64_t> ends;
    for (const Input& record : input) ++ends[record.partition];
    return std::all_of(ends.begin(), ends.end(), [&](const auto& end) {
      const auto committed = log.committed_offset("app", {"in", Partition(end.first)});
      return committed.stable && committed.offset >= Offset(end.second);
    });
  };
  for (int i = 0;; ++i) {
    if (i > 400'000) throw std::logic_error("it never comes to rest");
    const bool moved = worker.step();
    if (log.step() || moved) continue;
    if (worker.quiet() && all_read()) break;
    if (worker.finished()) {
      seen.failure = worker.failure();
      break;
    }
    const auto failed = worker.backing_off();
    if (!failed.empty()) {
      seen.failure = failed.begin()->second;
      break;
    }
    std::optional<Duration> next = worker.next_timer();
    if (const auto due = log.next_due()) {
      if (!next || due->time_since_epoch() < *next) next = due->time_since_epoch();
    }
    if (!next) throw std::logic_error("it is stuck");
    if (*next > clock.monotonic()) clock.advance(*next - clock.monotonic());
  }
  log.settle();  // markers may still be on their way
  for (const std::string& topic : log.topics()) {
    if (topic == "in") continue;
    for (std::int32_t p = 0; p < *log.partitions(topic); ++p) {
      const auto records = log.read_all(topic, Partition(p), log::Isolation::kReadCommitted);
      if (topic == options.errors.dead_letter_topic) {
        seen.dead_letters = records;
        continue;
      }
      auto& lines = seen.outputs[topic + "-" + std::to_string(p)];
      std::map<std::string, std::string> last;
      for (const auto& record : records) {
        lines.push_back(shown(record));
        last[record.key.value_or("null")] = shown(record);
      }
      if (!topic.ends_with("-changelog")) continue;
      lines.clear();
      for (const auto& [key, line] : last) lines.push_back(line);
    }
  }
  seen.aborts = worker.transaction().counts().aborts;
  if (!worker.finished()) seen.dropped = worker.tasks().dropped();
  return seen;
}

Topology fragile(std::function<void(const std::string&)> call) {
  StreamsBuilder builder;
  const Topic<std::string, Fragile> in("in", {.value = FragileSerde{}});
  const auto counts = builder.stream(in, {.name = "numbers"})
                          .peek(
                              [call](const Fragile& value) {
                                if (call) call(value.text);
                                if (value.text.starts_with("!call"))
                                  throw std::domain_error("cannot call this");
                              },
                              {.name = "check"})
                          .group_by_key()
                          .aggregate(KeyValueStoreName<std::string, Fragile>("n"), Fragile{},
                                     [](const Fragile& value, Fragile all) {
                                       all.text += value.text.substr(0, 8) + ".";
                                       return all;
                                     },
                                     {.value_serde = FragileSerde{}});
  counts.to_stream()
      .drop_tombstones()
      .peek(
          [](const Fragile& value) {
            if (value.text.find("!late") != std::string::npos) throw 42;
          },
          {.name = "late"})
      .to(Topic<std::string, Fragile>("out", {.value = FragileWriter{}}), {.name = "sink"});
  return builder.build();
}

Topology fragile_changelog() {
  StreamsBuilder builder;
  const Topic<std::string, Fragile> in("in", {.value = FragileSerde{}});
  builder.stream(in)
      .group_by_key()
      .aggregate(KeyValueStoreName<std::string, Fragile>("n"), Fragile{},
                 [](const Fragile& value, Fragile all) {
                   all.text += value.text.substr(0, 8) + ".";
                   return all;
                 },
                 {.value_serde = FragileWriter{}})
      .to_stream()
      .drop_tombstones()
      .map_values([](const Fragile& value) { return std::to_string(value.text.size()); })
      .to("out");
  return builder.build();
}

}  // namespace millrace::worker
