// What the embedded log's files cost a record: written (encoded, checked, appended; an fdatasync
// every 8 MB) and read back from the page cache, by transactions of so many records of 100 bytes over 4 partitions
// with one offset of a group each. And the checksum alone.
//
//   TMPDIR=/var/tmp journal_files_bench --benchmark_filter=Append
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "log/journal/crc32c.h"
#include "log/journal/frame_store.h"

namespace millrace::log::journal {
namespace {

constexpr std::int32_t kPartitions = 4;

// A journal in a directory of its own, removed in the end.
class Journal {
 public:
  Journal() : directory_(make_directory()) {
    FrameStoreOptions options;
    options.directory = directory_ + "/journal";
    auto opened = FrameStore::open(std::move(options), FileSystem::real(), SystemClock::instance(),
                                   null_logger());
    store_ = std::move(opened.value().store);
    catalog_ = std::move(opened.value().catalog);
    Frame frame;
    frame.topics_made.push_back({TopicId(1), "bench", kPartitions, {}});
    append(frame);
  }
  ~Journal() {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void write(int records) {
    for (int i = 0; i < records; ++i) {
      RecordEncoder& encoder = encoders_[static_cast<std::size_t>(i % kPartitions)];
      encoder.add(encoder.records(), key_, value_, from_ms(1'700'000'000'000 + i), Headers::none());
    }
    Frame frame;
    for (std::int32_t i = 0; i < kPartitions; ++i) {
      RecordEncoder& encoder = encoders_[static_cast<std::size_t>(i)];
      if (encoder.empty()) continue;
      const PartitionKey where{TopicId(1), Partition(i)};
      const Offset base = catalog_.find(where.topic)->partitions[static_cast<std::size_t>(i)].next;
      frame.batches.push_back({where, base, base + (encoder.records() + 1), encoder.records(),
                               from_ms(1'700'000'000'000), encoder.max_timestamp(),
                               encoder.bytes()});
    }
    frame.offsets.push_back({"group", {TopicId(1), Partition(0)}, Offset(++committed_), ""});
    append(frame);
    for (RecordEncoder& encoder : encoders_) encoder.clear();
  }

  Status sync() { return store_->sync(); }

  std::int64_t read(std::int32_t partition) const {
    std::int64_t records = 0;
    RecordView record;
    for (Offset from(0);;) {
      auto found = store_->find({TopicId(1), Partition(partition)}, from);
      if (!found.value()) return records;
      auto batch = store_->read(*found.value());
      RecordDecoder decoder(batch.value().base, batch.value().encoded);
      for (; decoder.next(record); ++records) benchmark::DoNotOptimize(record.value);
      from = batch.value().next;
    }
  }

 private:
  static std::string make_directory() {
    const char* base = ::getenv("TMPDIR");
    std::string name = std::string(base != nullptr ? base : "/tmp") + "/journal-files-bench-XXXXXX";
    return ::mkdtemp(name.data()) != nullptr ? name : throw std::runtime_error(name);
  }
  void append(const Frame& frame) {
    if (!store_->append(frame, catalog_).ok() || catalog_.apply(frame)) {
      throw std::runtime_error("a frame was refused");
    }
  }

  std::string directory_;
  std::unique_ptr<FrameStore> store_;
  Catalog catalog_;
  std::vector<RecordEncoder> encoders_{kPartitions};
  std::string key_ = std::string(16, 'k');
  std::string value_ = std::string(84, 'v');
  std::int64_t committed_ = 0;
};

// Items are records. 1 GB at most, so that it stays in the page cache.
void Append(benchmark::State& state) {
  Journal journal;
  for (auto _ : state) journal.write(static_cast<int>(state.range(0)));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Append)->Arg(1)->Arg(100)->Arg(1000)->Arg(10'000)->MinTime(0.3);

void AppendAndSync(benchmark::State& state) {
  Journal journal;
  for (auto _ : state) {
    journal.write(static_cast<int>(state.range(0)));
    if (!journal.sync().ok()) state.SkipWithError("not synced");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(AppendAndSync)->Arg(1)->Arg(1000)->UseRealTime()->MinTime(0.3);

void Read(benchmark::State& state) {
  Journal journal;
  const int batch = static_cast<int>(state.range(0));
  for (int written = 0; written < 1'000'000; written += batch) journal.write(batch);
  std::int64_t records = 0;
  for (auto _ : state) records += journal.read(1);
  state.SetItemsProcessed(records);
}
BENCHMARK(Read)->Arg(4)->Arg(100)->Arg(1000)->Arg(10'000)->MinTime(0.3);

void Crc32c(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Crc32c)->Arg(100)->Arg(1000)->Arg(100'000);

void Crc32cByTables(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32c_by_tables(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Crc32cByTables)->Arg(100'000);

}  // namespace
}  // namespace millrace::log::journal

BENCHMARK_MAIN();
