// What a record costs on the embedded log: written, read from memory, read from disk; at transactions of
// 1, 100 and 1,000 records of 100 bytes over 4 partitions, with one group offset each, as in
// docs/design: the numbers to compare with are CPU times of the thread that calls.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "log/journal/journal_log.h"
#include "log/one_operation.h"

namespace millrace::log::journal {
namespace {

constexpr std::int32_t kPartitions = 4;
constexpr std::size_t kValueBytes = 84;  // with a key of 16 bytes
const std::string kTopic = "t";

void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

class Directory {
 public:
  Directory() {
    std::string pattern = std::filesystem::temp_directory_path() / "millrace-bench-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory");
    path_ = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A journal with a topic and a producer that is ready.
class Bench {
 public:
  explicit Bench(Sync sync, std::uint64_t tail_bytes = std::uint64_t{32} << 20) {
    auto opened =
        JournalLog::open({.directory = directory_.path(), .sync = sync, .tail_bytes = tail_bytes});
    must(opened.status());
    log_ = std::move(opened.value());
    const auto admin = log_->make_admin(operation_.inbox());
    must(operation_
             .run([&](OperationId id) {
               admin->submit_create_topics(id, {{kTopic, kPartitions, {}}});
             })
             .status);
    producer_ = log_->make_producer({.transactional_id = "p"}, operation_.inbox());
    must(operation_.run([&](OperationId id) { producer_->submit_init(id); }).status);
    sink_ = producer_->topic(kTopic);
  }

  JournalLog& log() { return *log_; }

  void write(std::int64_t records) {
    must(producer_->begin());
    const std::string key(16, 'k');
    const std::string value(kValueBytes, 'v');
    for (std::int64_t i = 0; i < records; ++i) {
      (void)producer_->send(sink_, Partition(static_cast<std::int32_t>(i % kPartitions)),
                            {.key = key, .value = value, .timestamp = from_ms(i)});
    }
    must(operation_.run([&](OperationId id) { producer_->submit_flush(id); }).status);
    must(operation_
             .run([&](OperationId id) {
               producer_->submit_commit(id, {{{kTopic, Partition(0)}, Offset(++number_), ""}},
                                        {.group = "g"});
             })
             .status);
  }

 private:
  Directory directory_;
  std::unique_ptr<JournalLog> log_;
  OneOperation operation_;
  std::unique_ptr<LogProducer> producer_;
  SinkTopic sink_;
  std::int64_t number_ = 0;
};

// Reads all partitions, again and again.
class Consumer {
 public:
  explicit Consumer(Log& log) : reader_(log.make_reader({}, inbox_)) {
    for (std::int32_t p = 0; p < kPartitions; ++p)
      indexes_.push_back(reader_->start({kTopic, Partition(p)}, Offset(0)));
  }

  // Effect: drains everything there is. Returns how many records.
  std::int64_t drain() {
    std::int64_t records = 0;
    for (const ReaderPartition index : indexes_) {
      for (;;) {
        reader_->drain(index, 500, batch_);
        if (batch_.empty()) break;
        records += static_cast<std::int64_t>(batch_.size());
        for (const RecordView& record : batch_) benchmark::DoNotOptimize(record.value->data());
      }
    }
    Event event;
    while (inbox_.pop(event)) {
    }
    return records;
  }
  Inbox& inbox() { return inbox_; }

 private:
  Inbox inbox_;
  std::unique_ptr<LogReader> reader_;
  std::vector<ReaderPartition> indexes_;
  RecordBatch batch_;
};

// Prints ns_per_record.
void per_record(benchmark::State& state, std::int64_t records) {
  state.counters["ns_per_record"] =
      benchmark::Counter(static_cast<double>(records) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Whole process: the writer's thread included.
void write(benchmark::State& state, Sync sync) {
  Bench bench(sync);
  std::int64_t records = 0;
  for (auto _ : state) {
    bench.write(state.range(0));
    records += state.range(0);
  }
  per_record(state, records);
}
BENCHMARK_CAPTURE(write, sync_off, Sync::kOff)
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(write, sync_commit, Sync::kCommit)
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// A reader right behind the writer: from memory.
void write_and_read(benchmark::State& state) {
  Bench bench(Sync::kOff);
  Consumer consumer(bench.log());
  std::int64_t records = 0;
  for (auto _ : state) {
    bench.write(state.range(0));
    records += consumer.drain();
  }
  per_record(state, records);
}
BENCHMARK(write_and_read)->Arg(1)->Arg(100)->Arg(1000)->MeasureProcessCPUTime();

// A million records (100,000 where a transaction is one record), read again and again.
void read(benchmark::State& state, std::uint64_t tail_bytes) {
  Bench bench(Sync::kOff, tail_bytes);
  const std::int64_t all = state.range(0) == 1 ? 20'000 : 200'000;
  for (std::int64_t written = 0; written < all; written += state.range(0))
    bench.write(state.range(0));
  std::int64_t records = 0;
  for (auto _ : state) {
    Consumer consumer(bench.log());
    for (std::int64_t read = 0; read < all;) {
      const std::int64_t some = consumer.drain();
      if (some == 0) consumer.inbox().wait(Duration(100));
      read += some;
    }
    records += all;
  }
  per_record(state, records);
}
BENCHMARK_CAPTURE(read, memory, std::uint64_t{1} << 30)
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(read, disk, std::uint64_t{0})
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace millrace::log::journal
