// A journal's files under test: a store, the catalog beside it, and frames that are easy to make and to
// read back. A record's value says which frame wrote it.
#pragma once

#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "log/journal/frame_store.h"

namespace millrace::log::journal {

class CollectingLogger final : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    all_ += std::string(message) + "\n";
    if (level >= LogLevel::kWarning) warnings_ += std::string(message) + "\n";
  }
  std::string all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::string warnings() const {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

 private:
  mutable std::mutex mutex_;
  std::string all_;
  std::string warnings_;
};

// Values by offset.
using Values = std::vector<std::pair<Offset, std::string>>;

inline PartitionKey place(std::int32_t topic, std::int32_t partition) {
  return {TopicId(topic), Partition(partition)};
}

struct JournalHarness {
  explicit JournalHarness(FileSystem& its_files, std::string directory) : files(its_files) {
    options.directory = std::move(directory);
  }

  FileSystem& files;
  FrameStoreOptions options;
  ManualClock clock{from_ms(1'700'000'000'000)};
  CollectingLogger logger;
  std::unique_ptr<FrameStore> store;
  Catalog catalog;
  std::vector<FrameStore::SetAside> set_aside;

  Status open() {
    close();
    auto opened = FrameStore::open(options, files, clock, logger);
    if (!opened.ok()) return opened.status();
    store = std::move(opened.value().store);
    catalog = std::move(opened.value().catalog);
    set_aside = std::move(opened.value().set_aside);
    return Status::success();
  }
  void close() {
    store.reset();
    catalog = Catalog();
  }

  Status append(const Frame& frame) {
    auto appended = store->append(frame, catalog);
    if (!appended.ok()) return appended.status();
    const auto refused = catalog.apply(frame);
    EXPECT_FALSE(refused) << *refused;
    return Status::success();
  }

  Status make_topic(const std::string& name, std::int32_t partitions,
                    std::map<std::string, std::string> config = {}) {
    Frame frame;
    frame.topics_made.push_back({catalog.next_topic_id(), name, partitions, std::move(config)});
    return append(frame);
  }

  // One frame; one batch per partition named.
  Status write(const std::vector<std::pair<PartitionKey, std::vector<std::string>>>& records,
               std::vector<FrameOffset> offsets = {}) {
    Frame frame;
    std::vector<RecordEncoder> encoders(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      const auto& [where, values] = records[i];
      std::int32_t delta = 0;
      for (const std::string& value : values) {
        encoders[i].add(delta++, value.substr(0, value.find('=')), value, clock.now(),
                        Headers::none());
      }
      const Offset base = next(where);
      frame.batches.push_back({where, base, base + (delta + 1), delta, clock.now(),
                               encoders[i].max_timestamp(), encoders[i].bytes()});
    }
    frame.offsets = std::move(offsets);
    return append(frame);
  }

  Offset next(PartitionKey where) const {
    return catalog.find(where.topic)
        ->partitions.at(static_cast<std::size_t>(where.partition.value()))
        .next;
  }

  Values read_all(PartitionKey where, Offset from = Offset(0)) const {
    Values values;
    for (;;) {
      auto found = store->find(where, from);
      EXPECT_TRUE(found.ok()) << found.status().message();
      if (!found.ok() || !found.value()) return values;
      auto batch = store->read(*found.value());
      EXPECT_TRUE(batch.ok()) << batch.status().message();
      if (!batch.ok()) return values;
      RecordDecoder decoder(batch.value().base, batch.value().encoded);
      RecordView record;
      while (decoder.next(record)) {
        if (record.offset >= from) values.emplace_back(record.offset, *record.value);
      }
      EXPECT_FALSE(decoder.damaged());
      EXPECT_GT(batch.value().next, from);
      from = batch.value().next;
    }
  }
};

}  // namespace millrace::log::journal
