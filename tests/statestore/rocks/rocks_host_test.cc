// A host takes its directory for itself, opens tasks in the background, refuses stores that are not what
// they were, and keeps what it does not know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/options_util.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "millrace/clock.h"
#include "millrace/detail/encoding.h"
#include "rocks/rocks_options.h"
#include "statestore/rocks/rocks_support.h"

namespace millrace::state {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RocksHost : public testing::Test {
 protected:
  RocksHostOptions options() { return {.directory = directory_.path() / "app", .logger = &lines_}; }

  TemporaryDirectory directory_;
  LoggedLines lines_;
};

TEST_F(RocksHost, SecondProcessIsToldWhoHasTheDirectory) {
  OpenHost host(options());
  // By another way, too: a link further up.
  std::filesystem::create_directory_symlink(directory_.path(), directory_.path() / "link");
  RocksHostOptions other{.directory = directory_.path() / "link" / "app"};
  const auto refused = RocksDiskHost::open(other);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.status().message(),
              AllOf(HasSubstr("in use by pid " + std::to_string(::getpid()) + " since 20"),
                    HasSubstr("state.dir")));
}

TEST_F(RocksHost, DirectoryOfAProcessThatWasKilledIsFree) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = RocksDiskHost::open(options());
    ::kill(::getpid(), SIGKILL);
  }
  int how = 0;
  ::waitpid(child, &how, 0);
  ASSERT_TRUE(WIFSIGNALED(how));
  EXPECT_TRUE(RocksDiskHost::open(options()).ok());
}

TEST_F(RocksHost, NobodyElseCanReadWhatItWrites) {
  const mode_t before = ::umask(0);
  {
    OpenHost host(options());
    host.apply(one_put("a", "1", 5, Offset(7)));
  }
  ::umask(before);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options().directory)) {
    const auto mode = static_cast<unsigned>(entry.status().permissions()) & 07777;
    EXPECT_EQ(mode, entry.is_directory() ? 0700u : 0600u) << entry.path();
    files += entry.is_regular_file();
  }
  EXPECT_GT(files, 4u);
}

TEST_F(RocksHost, DirectoryThatOthersCanWriteToOrThatIsALinkIsRefused) {
  const auto open_to_all = directory_.path() / "open";
  std::filesystem::create_directory(open_to_all);
  ::chmod(open_to_all.c_str(), 0777);
  EXPECT_THAT(RocksDiskHost::open({.directory = open_to_all}).status().message(),
              HasSubstr("can be written to by other users"));
  std::filesystem::create_directory(directory_.path() / "real");
  std::filesystem::create_directory_symlink(directory_.path() / "real", directory_.path() / "link");
  EXPECT_THAT(RocksDiskHost::open({.directory = directory_.path() / "link"}).status().message(),
              HasSubstr("is a link"));
}

TEST_F(RocksHost, AnotherIdentityIsRefusedWithBothValues) {
  { OpenHost(options()).apply(one_put("a", "1", 5, Offset(7))); }
  {
    OpenHost host(options(), {identity("counts", "120000")});
    ASSERT_EQ(host.task().state(), TaskDisk::State::kFailed);
    EXPECT_THAT(
        host.task().failure(),
        AllOf(HasSubstr("store counts"),
              HasSubstr(R"(retention.ms is "60000" on disk and "120000" in the topology)"),
              Not(HasSubstr("kind is")), HasSubstr((options().directory / "orders-3").string()),
              HasSubstr("another name")));
  }
  // A fact that one side does not know is a difference, too.
  StoreIdentity less = identity("counts");
  less.facts.erase("kind");
  less.facts["value.serde"] = "json";
  {
    OpenHost host(options(), {less});
    EXPECT_THAT(
        host.task().failure(),
        AllOf(HasSubstr(R"(kind is "timestamped-window" on disk and nothing in the topology)"),
              HasSubstr(R"(value.serde is nothing on disk and "json" in the topology)")));
  }
  OpenHost host(options());
  EXPECT_EQ(contents(host.table()), (Contents{{"a", {"1", 5}}}));
}

TEST_F(RocksHost, StoresThatTheTopologyHasNoMoreAreKeptAndNamed) {
  {
    OpenHost host(options(), {identity("counts"), identity("old")});
    host.apply(one_put("a", "1", 5, Offset(7)));
    host.apply(host.table("old"), one_put("b", "2", 6, Offset(8)));
  }
  { OpenHost host(options(), {identity("counts"), identity("new")}); }
  EXPECT_THAT(lines_.all(), AllOf(HasSubstr("no more: old."), HasSubstr("kept")));
  OpenHost host(options(), {identity("old"), identity("counts")});
  EXPECT_EQ(contents(host.table("old")), (Contents{{"b", {"2", 6}}}));
  EXPECT_EQ(contents(host.table("counts")), (Contents{{"a", {"1", 5}}}));
}

TEST_F(RocksHost, DirectoryThatIsStillClosingIsOpenedAfterThat) {
  OpenHost host(options());
  host.table().submit(one_put("a", "1", 5, Offset(7)));  // not hurried: it waits when the task goes
  auto again = [&]() -> TaskDisk& {
    host.close_task();
    return host.open({identity("counts")});
  };
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(again().state(), TaskDisk::State::kOpen);
    ASSERT_EQ(contents(host.table()), (Contents{{"a", {"1", 5}}}));
    ASSERT_EQ(host.table().offset(), Offset(7));
  }
}

TEST_F(RocksHost, TaskThatIsGivenUpWhileItOpensIsClosedAndCannotBeWoken) {
  auto host = std::move(RocksDiskHost::open(options()).value());
  std::atomic<bool> gone = false;
  for (int i = 0; i < 20; ++i) {
    gone = false;
    auto task = host->open_task({"orders-" + std::to_string(i % 3), {identity("counts")}},
                                [&] { EXPECT_FALSE(gone); });
    task = nullptr;
    gone = true;
  }
  EXPECT_TRUE(host->wait_closed(Duration(60'000)));
}

TEST_F(RocksHost, WhatIsSubmittedIsAppliedBySizeAndByTime) {
  RocksHostOptions by_size = options();
  by_size.collect_for = Duration(3'600'000);
  by_size.collect_bytes = 1000;
  MemoryBudget budget(0);
  by_size.budget = &budget;
  OpenHost host(by_size);
  const std::size_t before = budget.used(MemoryUse::kBatches);
  const BatchNumber first = host.table().submit(one_put("a", "1", 5, Offset(7)));
  EXPECT_EQ(host.table().applied(), first - 1);  // nobody is in a hurry for an hour
  EXPECT_GT(budget.used(MemoryUse::kBatches), before);
  const BatchNumber second = host.table().submit(one_put("b", Bytes(1000, 'x'), 6, Offset(8)));
  host.wait([&] { return host.table().applied() >= second; });
  EXPECT_EQ(budget.used(MemoryUse::kBatches), before);
  EXPECT_EQ(budget.used(MemoryUse::kRocksDb), by_size.cache_bytes + by_size.write_buffer_bytes);
}

TEST_F(RocksHost, HookHasTheLastWordButNotOnWhatIsStored) {
  std::string asked;
  RocksHostOptions hooked = options();
  hooked.rocksdb = [&](std::string_view store, rocksdb::ColumnFamilyOptions& family) {
    asked = store;
    family.num_levels = 5;
  };
  { OpenHost(hooked).apply(one_put("a", "1", 5, Offset(7))); }
  EXPECT_EQ(asked, "counts");
  rocksdb::DBOptions database;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  const auto path = (options().directory / "orders-3" / "db").string();
  ASSERT_TRUE(
      rocksdb::LoadLatestOptions(rocksdb::ConfigOptions(), path, &database, &families).ok());
  int levels = 0;
  for (const auto& family : families) {
    if (family.name == "store.counts") levels = family.options.num_levels;
  }
  EXPECT_EQ(levels, 5);

  hooked.rocksdb = [](std::string_view, rocksdb::ColumnFamilyOptions& family) {
    family.comparator = rocksdb::ReverseBytewiseComparator();
  };
  OpenHost host(hooked);
  EXPECT_THAT(host.task().failure(), AllOf(HasSubstr("comparator"), HasSubstr("store counts")));
}

TEST_F(RocksHost, NewerFormatIsLeftAlone) {
  { OpenHost(options()).apply(one_put("a", "1", 5, Offset(7))); }
  {
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const auto path = (options().directory / "orders-3" / "db").string();
    ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), path,
                                  {{"default", {}}, {"store.counts", {}}}, &handles, &db)
                    .ok());
    Bytes version;
    detail::append_int(std::int32_t{2}, version);
    ASSERT_TRUE(
        db->Put(rocksdb::WriteOptions(), handles[1], std::string("\0format", 7), version).ok());
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
  }
  OpenHost host(options());
  EXPECT_THAT(host.task().failure(), AllOf(HasSubstr("format 2"), HasSubstr("knows 1")));
}

TEST_F(RocksHost, ATableThatMayHaveMissedDeletionsIsMadeAnew) {
  ManualClock clock(from_ms(1'769'862'600'250));
  RocksHostOptions timed = options();
  timed.clock = &clock;
  const auto stores = [](Duration kept) {
    StoreIdentity counts = identity("counts");
    counts.deletions_kept = kept;
    return std::vector<StoreIdentity>{counts, identity("other")};
  };
  const auto put = [&](OpenHost& host, Timestamp complete_as_of) {
    CommitBatch batch = one_put("a", "1", 5, Offset(7));
    batch.set_fact("name", "value");
    batch.complete_as_of(complete_as_of);
    host.apply(std::move(batch));
  };
  // Both ways into a table.
  for (const std::size_t ingest_from : {std::size_t{1}, std::size_t{1} << 30}) {
    timed.directory = directory_.path() / std::to_string(ingest_from);
    timed.ingest_from = ingest_from;
    OpenHost host(timed, stores(Duration(1000)));
    put(host, clock.now());
    host.apply(host.table("other"), one_put("b", "2", 6, Offset(8)));
    const auto again = [&](Duration kept) -> DiskTable& {
      host.close_task();
      host.open(stores(kept));
      return host.table();
    };
    clock.advance(Duration(500));
    EXPECT_EQ(again(Duration(1000)).offset(), Offset(7));
    clock.advance(Duration(1));
    EXPECT_EQ(again(Duration::max()).offset(), Offset(7));
    EXPECT_EQ(again(Duration(1000)).offset(), kNoOffset);
    EXPECT_EQ(contents(host.table()), Contents{});
    EXPECT_EQ(host.table().fact("name"), std::nullopt);
    EXPECT_THAT(lines_.all(), AllOf(HasSubstr("store counts in"), HasSubstr("2026-01-31T12:30:00"),
                                    HasSubstr("made anew")));
    EXPECT_EQ(contents(host.table("other")), (Contents{{"b", {"2", 6}}}));

    // A note by itself is enough, and a batch without one changes nothing.
    put(host, kNoTimestamp);
    clock.advance(Duration(400));
    CommitBatch note;
    note.complete_as_of(clock.now());
    host.apply(std::move(note));
    clock.advance(Duration(400));
    EXPECT_EQ(again(Duration(1000)).offset(), Offset(7));
    EXPECT_EQ(contents(host.table()), (Contents{{"a", {"1", 5}}}));
  }
}

TEST_F(RocksHost, SaysWhichRocksDbIsLinked) {
  { OpenHost host(options()); }
  EXPECT_THAT(lines_.all(),
              HasSubstr("stores on disk: RocksDB " + rocksdb::GetRocksVersionAsString()));
  const auto has_warning = [](int version, bool assertions) {
    return rocks::about_linked_version(version, assertions).back().level == LogLevel::kWarning;
  };
  EXPECT_TRUE(has_warning(70803, false));
  EXPECT_TRUE(has_warning(80700, true));
  EXPECT_FALSE(has_warning(80700, false));
}

TEST(DefaultStateDirectory, IsTheUsersOwn) {
  ::setenv("XDG_STATE_HOME", "/var/state", 1);
  EXPECT_EQ(default_state_directory().value(), "/var/state/millrace");
  ::setenv("XDG_STATE_HOME", "relative/is/not/allowed", 1);
  ::setenv("HOME", "/home/ada", 1);
  EXPECT_EQ(default_state_directory().value(), "/home/ada/.local/state/millrace");
  ::unsetenv("XDG_STATE_HOME");
  EXPECT_EQ(default_state_directory().value(), "/home/ada/.local/state/millrace");
}

}  // namespace
}  // namespace millrace::state
