// A disk that fails never gives a wrong answer in silence, and never costs what memory or the changelog
// still has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/options.h>

#include "millrace/error.h"
#include "statestore/rocks/damage_support.h"
#include "statestore/rocks/failing_file_system.h"

namespace millrace::state {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using RocksDamage = DamagedDirectory;

// The damage that RocksDB before 8.7.0 steps over without a word is found without a crash, too.
TEST_F(RocksDamage, DamageAtTheBeginningOfAFileIsNoticedAtEveryOpening) {
  {
    OpenHost host(options());
    fill(host);
  }
  const auto files = tables_in(options().directory);
  int damaged = 0;
  for (const auto& file : files) {
    if (std::filesystem::file_size(file) < 10'000) continue;  // ours, of a flush
    const auto copy = directory_.path() / "copy";
    std::filesystem::remove_all(copy);
    copy_private(options().directory, copy);
    flip(copy / "orders-3" / "db" / file.filename(), 20, 3);
    OpenHost host(options_in(copy));
    ASSERT_EQ(host.task().state(), TaskDisk::State::kOpen) << host.task().failure();
    EXPECT_EQ(host.table().offset(), kNoOffset);
    EXPECT_THAT(lines_.all(), HasSubstr((copy / "orders-3" / "db" / file.filename()).string()));
    ++damaged;
  }
  EXPECT_GE(damaged, 4);
}

TEST_F(RocksDamage, AReadThatFailsIsAnErrorAndNeverAShortScan) {
  auto disk = std::make_shared<FailingFileSystem>();
  RocksHostOptions failing = options();
  failing.file_system = disk;
  failing.cache_bytes = 0;
  OpenHost host(failing);
  const Contents model = fill(host);
  ASSERT_EQ(contents(host.table()), model);
  disk->reads_fail = true;
  EXPECT_THROW(contents(host.table()), StateError);
  EXPECT_THROW(read_all(host.table(), std::nullopt, std::nullopt, ScanOrder::kBackward),
               StateError);
  Bytes value;
  Timestamp timestamp;
  EXPECT_THROW(host.table().get("3000", value, timestamp), StateError);
  disk->reads_fail = false;
  EXPECT_EQ(contents(host.table()), model);
}

TEST_F(RocksDamage, AFullDiskIsSaidAndWaitedForAndNothingIsLost) {
  for (const std::size_t ingest_from : {std::size_t{1}, std::size_t{1} << 30}) {
    SCOPED_TRACE("sorted files from " + std::to_string(ingest_from));
    auto disk = std::make_shared<FailingFileSystem>();
    RocksHostOptions failing = options_in(directory_.path() / std::to_string(ingest_from));
    failing.file_system = disk;
    failing.ingest_from = ingest_from;
    failing.rocksdb = [](std::string_view, rocksdb::ColumnFamilyOptions& family) {
      family.write_buffer_size = 64 << 10;
    };
    OpenHost host(failing);
    Contents model = fill(host);
    disk->full = true;
    // The write buffers take some of it, so it is written on until the disk is asked.
    BatchNumber last;
    std::int64_t offset = 100;
    for (; host.table().health().ok(); ++offset) {
      CommitBatch batch;
      for (int row = 0; row < 50; ++row) {
        const std::string key = "more-" + std::to_string(offset * 100 + row);
        batch.put(key, Bytes(1000, 'w'), from_ms(row));
        model[key] = {Bytes(1000, 'w'), row};
      }
      batch.covers(Offset(offset));
      last = host.table().submit(std::move(batch));
      host.table().hurry();
      host.wait([&] { return host.table().applied() >= last || !host.table().health().ok(); });
    }
    const Status health = host.table().health();
    EXPECT_EQ(health.consequence(), Consequence::kRetry);
    EXPECT_THAT(health.message(), AllOf(HasSubstr("o space"), HasSubstr("Nothing is lost")));
    EXPECT_EQ(contents(host.table()).count("1000"), 1u);  // reads go on
    disk->full = false;
    host.wait([&] { return host.table().applied() >= last && host.table().health().ok(); });
    EXPECT_EQ(contents(host.table()), model);
    EXPECT_THAT(lines_.all(), HasSubstr("is written to disk again"));
    host.close_task();
    host.open({identity("counts")});
    EXPECT_EQ(contents(host.table()), model);
    EXPECT_EQ(host.table().offset(), Offset(offset - 1));
  }
}

TEST_F(RocksDamage, ClosingOnAFullDiskEndsAndLeavesTheRestToTheChangelog) {
  auto disk = std::make_shared<FailingFileSystem>();
  RocksHostOptions failing = options();
  failing.file_system = disk;
  Contents model;
  {
    OpenHost host(failing);
    model = fill(host);
    disk->full = true;
    host.table().submit(one_put("a", "1", 5, Offset(7)));
    host.close_task();
    EXPECT_TRUE(host.host().wait_closed(Duration(60'000)));
  }
  EXPECT_THAT(lines_.all(), AllOf(HasSubstr("closed before all of it was on disk"),
                                  HasSubstr("the changelog has the rest")));
  disk->full = false;
  OpenHost host(failing);
  EXPECT_EQ(contents(host.table()), model);
  EXPECT_EQ(host.table().offset(), Offset(3));
}

}  // namespace
}  // namespace millrace::state
