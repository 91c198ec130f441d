// State that is damaged is set aside and filled again from the changelog: the answer is right afterwards,
// whatever was flipped, cut or lost. What may pass is waited for, and nothing is moved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <random>

#include "millrace/clock.h"
#include "millrace/error.h"
#include "statestore/rocks/damage_support.h"
#include "statestore/rocks/failing_file_system.h"

namespace millrace::state {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SetAside : public DamagedDirectory {
 protected:
  // A directory with stores in it, left in order or by a crash.
  std::filesystem::path filled(bool crash) {
    const auto directory = directory_.path() / (crash ? "crashed" : "closed");
    OpenHost host(options_in(directory));
    fill(host);
    if (crash) host.crash();
    return directory;
  }
  // Effect: a fresh copy of it.
  std::filesystem::path copy_of(const std::filesystem::path& intact) {
    const auto copy = directory_.path() / "copy";
    std::filesystem::remove_all(copy);
    copy_private(intact, copy);
    return copy;
  }
  std::filesystem::path file_with(const std::filesystem::path& app, std::string_view beginning) {
    for (const auto& file : files_in(app)) {
      if (file.filename().string().starts_with(beginning)) return file;
    }
    throw std::runtime_error("no file " + std::string(beginning));
  }
};

// As a task does: what cannot be read is opened anew, then the changelog is read, then all of it must be
// there. Returns whether damage was met.
bool ends_well(OpenHost& host, const Contents& model, const std::function<void()>& restore) {
  bool met = false;
  try {
    contents(host.table());
  } catch (const StateError& error) {
    EXPECT_THAT(error.what(), HasSubstr("orders-3"));
    EXPECT_EQ(host.table().health().consequence(), Consequence::kFatal) << "it would stay open";
    host.close_task();
    host.open({identity("counts")});
    met = true;
  }
  met = met || host.table().offset() == kNoOffset;
  restore();
  EXPECT_EQ(contents(host.table()), model);
  return met;
}

TEST_F(SetAside, WhateverIsFlippedTheAnswerIsRight) {
  const Contents model = all_commits();
  constexpr std::uint64_t kSeed = 20260131;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937_64 random(kSeed);
  int met = 0;
  for (const bool crash : {false, true}) {
    const auto intact = filled(crash);
    for (int trial = 0; trial < 200; ++trial) {
      const auto copy = copy_of(intact);
      const auto files = files_in(copy);
      const auto& file = files[random() % files.size()];
      const auto size = std::filesystem::file_size(file);
      if (size == 0) continue;
      const std::uint64_t at = random() % size;
      const int bit = static_cast<int>(random() % 8);
      flip(file, at, bit);
      SCOPED_TRACE(file.filename().string() + " byte " + std::to_string(at) + " bit " +
                   std::to_string(bit) + (crash ? " after a crash" : ""));
      OpenHost host(options_in(copy));
      ASSERT_EQ(host.task().state(), TaskDisk::State::kOpen) << host.task().failure();
      met += ends_well(host, model, [&] { restore(host); });
    }
  }
  EXPECT_GT(met, 100);
}

TEST_F(SetAside, WhateverFileIsCutOrGoneTheAnswerIsRight) {
  const Contents model = all_commits();
  std::mt19937_64 random(7);
  int met = 0;
  for (const bool crash : {false, true}) {
    const auto intact = filled(crash);
    for (const auto& name : files_in(intact)) {
      const auto size = std::filesystem::file_size(name);
      for (const std::int64_t left :
           {std::int64_t{-1}, std::int64_t{0}, static_cast<std::int64_t>(size / 2),
            static_cast<std::int64_t>(size == 0 ? 0 : random() % size)}) {
        SCOPED_TRACE(name.filename().string() + " left " + std::to_string(left) + " of " +
                     std::to_string(size) + (crash ? " after a crash" : ""));
        const auto copy = copy_of(intact);
        const auto file = copy / "orders-3" / "db" / name.filename();
        if (left < 0) {
          std::filesystem::remove(file);
        } else {
          std::filesystem::resize_file(file, static_cast<std::uintmax_t>(left));
        }
        OpenHost host(options_in(copy));
        ASSERT_EQ(host.task().state(), TaskDisk::State::kOpen) << host.task().failure();
        met += ends_well(host, model, [&] { restore(host); });
      }
    }
  }
  EXPECT_GT(met, 20);
}

TEST_F(SetAside, TheLogSaysWhatWasDamagedWhereItIsAndWhatIsRestored) {
  const ManualClock clock(from_ms(1'769'862'600'250));
  const auto app = filled(false);
  for (const char* beginning : {"MANIFEST", "CURRENT"}) {
    const auto copy = copy_of(app);
    const auto file = file_with(copy, beginning);
    flip(file, 3, 1);
    RocksHostOptions timed = options_in(copy);
    timed.clock = &clock;
    OpenHost host(timed);
    ASSERT_EQ(host.task().state(), TaskDisk::State::kOpen) << host.task().failure();
    const auto aside = copy / "orders-3.bad-20260131T123000.250Z";
    EXPECT_THAT(lines_.all(),
                AllOf(HasSubstr("ERROR local state in " + (copy / "orders-3").string()),
                      HasSubstr("Corruption"), HasSubstr("moved to " + aside.string()),
                      HasSubstr("(counts)"), HasSubstr("restored from their changelogs")));
    EXPECT_TRUE(std::filesystem::exists(aside / "db" / file.filename()));
  }
}

TEST_F(SetAside, TheNewestTwoAreKept) {
  const auto app = filled(false);
  std::filesystem::create_directory(app / "orders-3.bad-0");  // another task's
  for (int times = 0; times < 4; ++times) {
    const auto before = aside_in(app);
    std::filesystem::remove(file_with(app, "CURRENT"));
    OpenHost host(options_in(app));
    ASSERT_EQ(host.task().state(), TaskDisk::State::kOpen) << host.task().failure();
    auto aside = aside_in(app);
    std::erase(aside, app / "orders-3.bad-0");
    EXPECT_EQ(aside.size(), static_cast<std::size_t>(std::min(times + 1, 2)));
    EXPECT_TRUE(before.empty() || before.back() != aside.back()) << "the new one stays";
    fill(host);
  }
  EXPECT_TRUE(std::filesystem::exists(app / "orders-3.bad-0"));
}

TEST_F(SetAside, WhatMayPassMovesNothing) {
  const auto app = filled(false);
  auto disk = std::make_shared<FailingFileSystem>();
  RocksHostOptions failing = options_in(app);
  failing.file_system = disk;
  OpenHost host(failing);
  host.close_task();
  for (const auto& [name, refusal] : {std::pair{"too many open files", FailingFileSystem::kOpens},
                                      std::pair{"no space", FailingFileSystem::kWrites},
                                      std::pair{"bad sector", FailingFileSystem::kReads}}) {
    SCOPED_TRACE(name);
    disk->refuse(refusal, true);
    host.open({identity("counts")});
    ASSERT_EQ(host.task().state(), TaskDisk::State::kFailed);
    EXPECT_THAT(host.task().failure(),
                AllOf(HasSubstr(name), HasSubstr("orders-3"), HasSubstr("Nothing was changed")));
    disk->refuse(refusal, false);
    host.close_task();
    host.open({identity("counts")});
    ASSERT_EQ(host.task().state(), TaskDisk::State::kOpen) << host.task().failure();
    EXPECT_EQ(host.table().offset(), Offset(kFiles - 1));
    EXPECT_EQ(contents(host.table()), all_commits());
    host.close_task();
  }
  EXPECT_THAT(aside_in(app), testing::IsEmpty());
}

// Damage that may be a passing error of the disk's, because another file cannot be opened either.
TEST_F(SetAside, DamageIsNotBelievedWhileFilesCannotBeOpened) {
  const auto app = filled(false);
  flip(file_with(app, "MANIFEST"), 3, 1);
  auto disk = std::make_shared<FailingFileSystem>();
  disk->sequential_opens_fail_of = "OPTIONS";
  RocksHostOptions failing = options_in(app);
  failing.file_system = disk;
  OpenHost host(failing);
  EXPECT_THAT(host.task().failure(), HasSubstr("too many open files"));
  EXPECT_THAT(aside_in(app), testing::IsEmpty());
}

TEST_F(SetAside, AStoreWithoutAnIdentityIsNotTakenForANewOne) {
  const auto app = filled(false);
  {
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const auto path = (app / "orders-3" / "db").string();
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), path,
                                  {{"default", {}}, {"store.counts", {}}}, &handles, &db)
                    .ok());
    ASSERT_TRUE(db->Delete(rocksdb::WriteOptions(), handles[1], std::string("\0format", 7)).ok());
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  OpenHost host(options_in(app));
  EXPECT_THAT(lines_.all(), HasSubstr("does not say what it is"));
  restore(host);
  EXPECT_EQ(contents(host.table()), all_commits());
}

}  // namespace
}  // namespace millrace::state
