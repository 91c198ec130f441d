// A disk that fails never gives a wrong answer in silence, and never costs what memory or the changelog
// still has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/options.h>

#include <fstream>
#include <random>

#include "millrace/error.h"
#include "statestore/rocks/failing_file_system.h"
#include "statestore/rocks/rocks_support.h"

namespace millrace::state {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RocksDamage : public testing::Test {
 protected:
  RocksHostOptions options() { return options_in(directory_.path() / "app"); }
  RocksHostOptions options_in(std::filesystem::path directory) {
    RocksHostOptions options{.directory = std::move(directory), .logger = &lines_};
    options.ingest_from = 1;  // files that lie side by side below the first level
    options.retry_after = Duration(1);
    return options;
  }

  // Four files of 200 rows each, one after the other in the order of keys.
  Contents fill(OpenHost& host) {
    Contents model;
    for (int file = 0; file < 4; ++file) {
      CommitBatch batch;
      for (int row = 0; row < 200; ++row) {
        const std::string key = std::to_string(file * 1000 + row + 1000);
        batch.put(key, Bytes(60, 'v'), from_ms(row));
        model[key] = {Bytes(60, 'v'), row};
      }
      batch.covers(Offset(file));
      host.apply(std::move(batch));
    }
    return model;
  }

  static std::vector<std::filesystem::path> tables_in(const std::filesystem::path& app) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(app / "orders-3" / "db")) {
      if (entry.path().extension() == ".sst") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  static void flip(const std::filesystem::path& file, std::uint64_t at, int bit) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(at));
    const auto old = static_cast<unsigned char>(bytes.get());
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(old ^ (1u << bit)));
  }

  TemporaryDirectory directory_;
  LoggedLines lines_;
};

// What a directory with a flipped bit gives: all rows, or an error that says what to do; never less.
TEST_F(RocksDamage, OneFlippedBitAfterACrashIsNoticedOrDoesNotMatter) {
  Contents model;
  {
    OpenHost host(options());
    model = fill(host);
    host.crash();
  }
  const auto intact = options().directory;
  constexpr std::uint64_t kSeed = 20260131;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  int noticed = 0;
  constexpr int kTrials = 120;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto copy = directory_.path() / "copy";
    std::filesystem::remove_all(copy);
    std::filesystem::copy(intact, copy, std::filesystem::copy_options::recursive);
    std::filesystem::permissions(copy, std::filesystem::perms::owner_all);
    const auto files = tables_in(copy);
    ASSERT_GE(files.size(), 4u);
    const auto& file = files[random() % files.size()];
    const std::uint64_t at = random() % std::filesystem::file_size(file);
    const int bit = static_cast<int>(random() % 8);
    flip(file, at, bit);
    SCOPED_TRACE(file.filename().string() + " byte " + std::to_string(at) + " bit " +
                 std::to_string(bit));

    OpenHost host(options_in(copy));
    if (host.task().state() == TaskDisk::State::kFailed) {
      EXPECT_THAT(host.task().failure(), AllOf(HasSubstr((copy / "orders-3").string()),
                                               HasSubstr("Nothing was changed or deleted")));
      ++noticed;
      continue;
    }
    EXPECT_EQ(contents(host.table()), model);
  }
  EXPECT_GT(noticed, kTrials / 2);
}

// The damage that RocksDB before 8.7.0 steps over without a word is found without a crash, too.
TEST_F(RocksDamage, DamageAtTheBeginningOfAFileIsNoticedAtEveryOpening) {
  {
    OpenHost host(options());
    fill(host);
  }
  const auto files = tables_in(options().directory);
  ASSERT_GE(files.size(), 4u);
  for (const auto& file : files) {
    if (std::filesystem::file_size(file) < 10'000) continue;  // ours, of a flush
    flip(file, 20, 3);
    {
      OpenHost host(options());
      ASSERT_EQ(host.task().state(), TaskDisk::State::kFailed) << file;
      EXPECT_THAT(host.task().failure(),
                  AllOf(HasSubstr(file.filename().string()), HasSubstr("restored from")));
    }
    flip(file, 20, 3);
    // That opening was refused, so the next one reads everything.
    OpenHost host(options());
    ASSERT_EQ(host.task().state(), TaskDisk::State::kOpen) << host.task().failure();
  }
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
