#include "log/journal/verify.h"

#include <gtest/gtest.h>

#include <random>

#include "streams/log/journal/journal_harness.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

const std::string kDirectory = "/data/journal";

struct VerifyTest : testing::Test {
  SimulatedFileSystem files{1};
  JournalHarness journal{files, kDirectory};

  void SetUp() override {
    journal.options.segment_bytes = 1500;
    ASSERT_TRUE(journal.open().ok());
    ASSERT_TRUE(journal.make_topic("t", 3).ok());
    for (int i = 0; i < 40; ++i) {
      const PartitionKey where = place(1, i % 3);
      ASSERT_TRUE(journal.write({{where, {"k=v", "k=w"}}}, {{"g", where, Offset(i), ""}}).ok());
      ASSERT_TRUE(journal.store->sync().ok());
    }
  }
};

TEST_F(VerifyTest, AWholeJournalIsCountedAndLeftAsItIs) {
  journal.close();
  const auto before = files.contents();
  auto verified = verify(kDirectory, files);
  ASSERT_TRUE(verified.ok()) << verified.status().message();
  EXPECT_TRUE(verified.value().damaged.empty() && verified.value().noted.empty());
  EXPECT_EQ(verified.value().frames, 41u);
  EXPECT_EQ(verified.value().batches, 40u);
  EXPECT_EQ(verified.value().records, 80u);
  EXPECT_GT(verified.value().segments, 3u);
  EXPECT_EQ(files.contents(), before);
}

TEST_F(VerifyTest, AJournalInUseIsRefused) {
  const Status refused = verify(kDirectory, files).status();
  EXPECT_EQ(refused.consequence(), Consequence::kFatal);
  EXPECT_NE(refused.message().find("is held by pid"), std::string::npos) << refused.message();
  EXPECT_EQ(verify("/data", files).status().consequence(), Consequence::kFatal);
}

TEST_F(VerifyTest, EveryFlippedByteIsNamedWithItsFile) {
  // Property: whichever byte of whichever file is flipped, its file is named; so is its frame, if it
  // is in one; and what is whole in other segments still counts.
  journal.close();
  auto content = files.contents();
  content.erase(kDirectory + "/lock");
  int in_frames = 0;
  for (const auto& [path, whole] : content) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      files.put(path, flipped);
      auto verified = verify(kDirectory, files);
      ASSERT_TRUE(verified.ok()) << verified.status().message();
      const auto& damaged = verified.value().damaged;
      const auto named = std::ranges::find(damaged, path, &Finding::file);
      ASSERT_NE(named, damaged.end()) << path << " at byte " << at;
      ASSERT_LE(named->at, at) << path << ": " << named->what;
      ASSERT_LE(at, named->at + 1500) << path << ": " << named->what;
      in_frames += named->what.starts_with("frame ") ? 1 : 0;
      ASSERT_GE(verified.value().frames, 20u);
    }
    files.put(path, whole);
  }
  EXPECT_GT(in_frames, 4000);
}

TEST_F(VerifyTest, SoIsEveryFlippedByteOfACleanedJournal) {
  // Property: the same of the manifest and of copies; and a file that is missing or cut is named.
  ASSERT_TRUE(journal.make_topic("table", 1, {{"cleanup.policy", "compact"}}).ok());
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(journal.write({{place(2, 0), {std::to_string(i % 7) + "=v"}}}).ok());
  }
  for (bool more = true; more;) {
    auto cleaned = journal.store->clean(journal.catalog, journal.clock.now(), 1 << 20);
    ASSERT_TRUE(cleaned.ok());
    more = cleaned.value();
  }
  ASSERT_TRUE(journal.store->sync().ok());
  journal.close();
  auto content = files.contents();
  content.erase(kDirectory + "/lock");
  ASSERT_TRUE(content.contains(kDirectory + "/manifest"));
  auto all = verify(kDirectory, files);
  ASSERT_TRUE(all.ok() && all.value().damaged.empty());
  int copies = 0;
  for (const auto& [path, whole] : content) {
    copies += path.ends_with(".copies") ? 1 : 0;
    const auto named = [&] {
      auto verified = verify(kDirectory, files);
      EXPECT_TRUE(verified.ok()) << verified.status().message();
      return std::ranges::find(verified.value().damaged, path, &Finding::file) !=
             verified.value().damaged.end();
    };
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
      files.put(path, flipped);
      ASSERT_TRUE(named()) << path << " at byte " << at;
    }
    if (!path.ends_with("manifest")) {
      files.put(path, whole.substr(0, whole.size() / 2));
      ASSERT_TRUE(named()) << path;
      files.put(path, std::nullopt);
      ASSERT_TRUE(named()) << path;
    }
    files.put(path, whole);
  }
  EXPECT_GT(copies, 1);
}

TEST_F(VerifyTest, ATornTailIsNotedAndNoDamage) {
  journal.close();
  auto content = files.contents();
  content.erase(kDirectory + "/lock");
  const auto last = std::prev(std::ranges::find_if(
      content, [](const auto& file) { return file.first == kDirectory + "/synced"; }));
  std::string name = last->first;
  files.put(name, last->second + "MRF1 and no more");
  auto verified = verify(kDirectory, files);
  ASSERT_TRUE(verified.ok());
  EXPECT_TRUE(verified.value().damaged.empty());
  ASSERT_EQ(verified.value().noted.size(), 1u);
  EXPECT_EQ(verified.value().noted[0].file, name);
  EXPECT_EQ(verified.value().noted[0].at, last->second.size());
}

}  // namespace
}  // namespace millrace::log::journal
