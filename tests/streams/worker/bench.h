// Workers on one memory log, stepped by the test. Time moves only when nothing else can happen.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/memory/memory_log.h"
#include "streams/worker/gate_log.h"
#include "streams/worker/topologies.h"
#include "worker/worker.h"

namespace millrace::worker {

using log::Isolation;

class NotingLogger final : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override {
    text.append(to_string(level)).append(" ").append(message).append("\n");
  }
  std::string text;
};

class Bench : public ::testing::Test {
 protected:
  explicit Bench(log::memory::MemoryLogOptions options = {}) : log(clock, options) {}

  WorkerOptions options(const std::string& id = "app-1") {
    WorkerOptions wanted;
    wanted.application_id = "app";
    wanted.transactional_id = id;
    return wanted;
  }

  void create(const std::string& topic, std::int32_t partitions = 1) {
    log.create_topic({topic, partitions, {}});
  }
  void create_topics(std::int32_t partitions = 1) {
    create("in", partitions);
    create("out", partitions);
  }
  void put(const std::string& value, OptionalBytesView key = "k", int partition = 0,
           std::int64_t at = 1, const std::string& topic = "in") {
    const auto put = log.append(topic, Partition(partition),
                                {.key = key, .value = value, .timestamp = from_ms(at)});
    ASSERT_TRUE(put.ok()) << put.status().message();
  }

  // The topology lives as long as the bench.
  Worker& start(const Topology& topology, WorkerOptions options) {
    topologies.push_back(topology);
    workers.push_back(std::make_unique<Worker>(topologies.back().graph(), std::move(options), gate,
                                               clock, logger));
    return *workers.back();
  }
  // The worker dies without a word.
  void kill(Worker& worker) {
    for (auto& one : workers) {
      if (one.get() == &worker) one.reset();
    }
  }

  bool step() {
    bool moved = false;
    for (auto& worker : workers) moved = (worker && worker->step()) || moved;
    return log.step() || moved;
  }
  // Effect: runs until nothing moves by itself.
  void rest() {
    for (int i = 0; step(); ++i) ASSERT_LT(i, 100'000) << "it never rests\n" << logger.text;
  }
  // Effect: lets time pass to the next thing that waits for it. Returns false if nothing does.
  bool wait() {
    std::optional<Duration> next;
    const auto consider = [&](std::optional<Duration> at) {
      if (at && (!next || *at < *next)) next = at;
    };
    for (auto& worker : workers) {
      if (worker) consider(worker->next_timer());
    }
    if (const auto due = log.next_due()) consider(due->time_since_epoch());
    if (!next) return false;
    if (*next > clock.monotonic()) clock.advance(*next - clock.monotonic());
    return true;
  }
  void run_until(const std::function<bool()>& done) {
    for (int i = 0; !done(); ++i) {
      ASSERT_LT(i, 200'000) << "it never comes\n" << logger.text;
      if (step()) continue;
      ASSERT_TRUE(wait()) << "stuck\n" << logger.text;
    }
  }
  void settle() {
    rest();
    run_until([this] {
      for (auto& worker : workers) {
        if (worker && !worker->quiet()) return false;
      }
      return true;
    });
  }
  // Effect: runs until a task of the worker backs off; returns its words.
  std::string backs_off(Worker& worker) {
    run_until([&] { return !worker.backing_off().empty(); });
    rest();
    return worker.backing_off().empty() ? "" : worker.backing_off().begin()->second;
  }

  // Effect: runs to the worker's end; returns its words.
  std::string failure_of(Worker& worker) {
    run_until([&] { return worker.finished(); });
    EXPECT_EQ(to_string(worker.state()), "Failed");
    return worker.failure();
  }

  std::string values(const std::string& topic = "out", int partition = 0,
                     Isolation isolation = Isolation::kReadCommitted) {
    std::string all;
    for (const auto& record : log.read_all(topic, Partition(partition), isolation)) {
      if (!all.empty()) all += ' ';
      all += record.value.value_or("null");
    }
    return all;
  }
  log::CommittedOffset committed(const std::string& topic = "in", int partition = 0) {
    return log.committed_offset("app", {topic, Partition(partition)});
  }
  // How often the task committed, as its transaction number says.
  static std::int64_t commits_in(const log::CommittedOffset& offset) {
    for (const auto& [name, value] : task::decode_commit_metadata(offset.metadata).entries) {
      if (name == task::kTransactionNumberName) return task::commits_counted(value);
    }
    return -1;
  }

  ManualClock clock{from_ms(1'000'000)};
  log::memory::MemoryLog log;
  GateLog gate{log};
  NotingLogger logger;
  std::vector<Topology> topologies;
  std::vector<std::unique_ptr<Worker>> workers;
};

}  // namespace millrace::worker
