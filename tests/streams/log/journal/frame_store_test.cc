// The store on real files.
#include "log/journal/frame_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "log/journal/segment_file.h"
#include "streams/log/journal/journal_harness.h"

namespace millrace::log::journal {
namespace {

namespace fs = std::filesystem;

struct FrameStoreTest : testing::Test {
  std::string root = [] {
    std::string name = testing::TempDir() + "journal-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  JournalHarness journal{FileSystem::real(), root + "/a/b"};

  ~FrameStoreTest() override {
    journal.close();
    fs::remove_all(root);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(journal.options.directory)) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }
};

const std::string kLong = "k=" + std::string(1000, 'x');

TEST_F(FrameStoreTest, WhatWasSyncedIsThereAfterReopening) {
  // Property: records, topics, offsets, over several segments, which are not the caller's concern.
  journal.options.segment_bytes = 10'000;
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("t", 2).ok());
  Values expected[2];
  for (int i = 0; i < 100; ++i) {
    const int partition = i % 3 == 0 ? 1 : 0;
    const PartitionKey where = place(1, partition);
    const Offset base = journal.next(where);
    const std::string value = std::to_string(i) + kLong;
    ASSERT_TRUE(journal.write({{where, {value, value}}}, {{"g", where, base, ""}}).ok());
    expected[partition].emplace_back(base, value);
    expected[partition].emplace_back(base + 1, value);
    journal.clock.advance(Duration(1));
  }
  EXPECT_FALSE(journal.store->all_synced());
  ASSERT_TRUE(journal.store->sync().ok());
  EXPECT_TRUE(journal.store->all_synced());
  EXPECT_EQ(journal.read_all(place(1, 0)), expected[0]);
  EXPECT_EQ(journal.read_all(place(1, 1)), expected[1]);
  const std::uint64_t bytes = journal.store->bytes();
  const std::uint64_t of_partition = journal.store->bytes(place(1, 1));
  EXPECT_GT(bytes, 200'000u);
  EXPECT_GT(of_partition, 68'000u);

  ASSERT_TRUE(journal.open().ok());
  EXPECT_TRUE(journal.set_aside.empty());
  EXPECT_EQ(journal.logger.warnings(), "");
  EXPECT_EQ(journal.store->bytes(), bytes);
  EXPECT_EQ(journal.store->bytes(place(1, 1)), of_partition);
  EXPECT_EQ(journal.read_all(place(1, 0)), expected[0]);
  EXPECT_EQ(journal.read_all(place(1, 1)), expected[1]);
  EXPECT_EQ(journal.next(place(1, 0)), expected[0].back().first + 2);
  EXPECT_EQ(journal.catalog.committed("g", place(1, 1))->offset, expected[1][66].first);
  EXPECT_GT(names().size(), 20u);
}

TEST_F(FrameStoreTest, FindsByOffsetAndByTime) {
  // Property: find() gives the batch that holds the offset or the first behind it; find_time() the
  // first batch with a record that late; both in pages, in the last segment and behind the end.
  journal.options.segment_bytes = 200'000;
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("t", 1).ok());
  const PartitionKey where = place(1, 0);
  for (int i = 0; i < 2000; ++i) {  // more than a page in each segment
    ASSERT_TRUE(journal.write({{where, {"k=" + std::to_string(i), "k=x"}}}).ok());
    journal.clock.advance(Duration(10));
  }
  ASSERT_TRUE(journal.store->sync().ok());
  for (const bool reopened : {false, true}) {
    if (reopened) {
      ASSERT_TRUE(journal.open().ok());
    }
    for (const std::int64_t offset : {0, 1, 2, 3, 1500, 1535, 1536, 3000, 5998, 5999}) {
      auto found = journal.store->find(where, Offset(offset));
      ASSERT_TRUE(found.ok() && found.value()) << offset;
      EXPECT_EQ(found.value()->base, Offset(offset / 3 * 3));
      const Timestamp at = from_ms(1'700'000'000'000 + offset / 3 * 10);
      auto at_time = journal.store->find_time(where, at, Offset(0));
      ASSERT_TRUE(at_time.ok() && at_time.value());
      EXPECT_EQ(at_time.value()->base, found.value()->base);
      auto behind = journal.store->find_time(where, from_ms(0), Offset(offset));
      ASSERT_TRUE(behind.ok() && behind.value());
      EXPECT_EQ(behind.value()->base, found.value()->base);
    }
    EXPECT_FALSE(journal.store->find(where, Offset(6000)).value());
    EXPECT_FALSE(journal.store->find(place(1, 1), Offset(0)).value());
    EXPECT_FALSE(journal.store->find_time(where, from_ms(1'700'000'019'991), Offset(0)).value());
  }
}

TEST_F(FrameStoreTest, FilesAreForTheirOwnerOnly) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(journal.open().ok());
  ::umask(before);
  struct stat about {};
  for (const std::string& name : names()) {
    ASSERT_EQ(::stat((journal.options.directory + "/" + name).c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600u) << name;
  }
  for (const std::string& directory : {root + "/a", root + "/a/b"}) {
    ASSERT_EQ(::stat(directory.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0700u);
  }
}

TEST_F(FrameStoreTest, ASecondOneIsToldWhoHoldsItAndSinceWhen) {
  ASSERT_TRUE(journal.open().ok());
  JournalHarness second(FileSystem::real(), journal.options.directory);
  const Status refused = second.open();
  EXPECT_EQ(refused.consequence(), Consequence::kFatal);
  EXPECT_NE(refused.message().find("pid " + std::to_string(::getpid()) +
                                   " since 2023-11-14T22:13:20.000Z"),
            std::string::npos)
      << refused.message();
  journal.close();
  EXPECT_TRUE(second.open().ok());
}

TEST_F(FrameStoreTest, AForeignDirectoryIsLeftAlone) {
  fs::create_directories(journal.options.directory);
  std::ofstream(journal.options.directory + "/accounts.db") << "x";
  const Status refused = journal.open();
  EXPECT_EQ(refused.consequence(), Consequence::kFatal);
  EXPECT_NE(refused.message().find("accounts.db"), std::string::npos) << refused.message();
  EXPECT_EQ(names(), std::vector<std::string>{"accounts.db"});
}

TEST_F(FrameStoreTest, AnOverlongTransactionIsAborted) {
  journal.options.max_frame_bytes = 2000;
  journal.options.segment_bytes = 500;
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("t", 1).ok());
  EXPECT_EQ(journal.write({{place(1, 0), {kLong, kLong}}}).consequence(), Consequence::kAbort);
  EXPECT_TRUE(journal.write({{place(1, 0), {kLong}}}).ok());  // longer than a segment
  EXPECT_TRUE(journal.write({{place(1, 0), {"k=v"}}}).ok());
  ASSERT_TRUE(journal.open().ok());
  EXPECT_EQ(journal.read_all(place(1, 0)), (Values{{Offset(0), kLong}, {Offset(2), "k=v"}}));
}

TEST_F(FrameStoreTest, ABatchCanBeReadWhenItsFileIsGone) {
  journal.options.segment_bytes = 500;
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("t", 1).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(journal.write({{place(1, 0), {kLong}}}).ok());
  const auto location = *journal.store->find(place(1, 0), Offset(0)).value();
  ASSERT_TRUE(journal.store->read(location).ok());
  ASSERT_TRUE(fs::remove(location.segment->path()));
  EXPECT_TRUE(journal.store->read(location).ok());
}

TEST_F(FrameStoreTest, FewFilesAreOpenHoweverManyThereAre) {
  // Property: reading a journal of many segments needs no more descriptors than one of a hundred.
  const auto descriptors = [] {
    const fs::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  journal.options.segment_bytes = 500;
  const auto before = descriptors();
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("t", 1).ok());
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(journal.write({{place(1, 0), {kLong}}}).ok());
  for (const bool reopened : {false, true}) {
    if (reopened) {
      ASSERT_TRUE(journal.open().ok());
    }
    EXPECT_EQ(journal.read_all(place(1, 0)).size(), 150u);
    EXPECT_LT(descriptors() - before, 140);
  }
  EXPECT_GT(names().size(), 150u);
}

}  // namespace
}  // namespace millrace::log::journal
