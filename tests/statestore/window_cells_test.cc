#include "millrace/detail/window_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "store_support.h"

namespace millrace::state {
namespace {

using Records = std::vector<Changelog::Record>;
using Starts = std::vector<std::int64_t>;
using testing::HasSubstr;

class WindowCellsTest : public testing::Test {
 protected:
  // Effect: everything is committed, as a task does it.
  void commit() {
    changelog_.commit(*store_);
    memory_.commit();
  }
  void abort() {
    store_->abort();
    memory_.abort();
  }
  Starts starts() const { return store_->starts(0, INT64_MAX); }

  TaskMemory memory_;
  Changelog changelog_;
  // Windows of 10, retention 30: of an observed start s those from s - 29 on can be read.
  std::unique_ptr<WindowCells> store_ = window_store<std::string>(memory_, 10, 30);
};

// --- changelog bytes ---------------------------------------------------------------------------

// The changelog key is key, 8 bytes start, 4 bytes sequence 0; the value is plain, the record's
// time the entry's (SEMANTICS §3.4, §3.5).
TEST_F(WindowCellsTest, ChangelogBytes) {
  put<std::string>(*store_, "k", 10, "v", 12);
  put<std::string>(*store_, "", 256, "", 256);
  commit();
  EXPECT_EQ(changelog_.records, (Records{{from_hex("6b000000000000000a00000000"), "v", 12},
                                         {from_hex("000000000000010000000000"), "", 256}}));
}

// A deletion is a tombstone; what was made and deleted between two commits is nothing.
TEST_F(WindowCellsTest, Tombstones) {
  put<std::string>(*store_, "k", 0, "v", 1);
  commit();
  erase<std::string>(*store_, "k", 0, 7);
  put<std::string>(*store_, "l", 0, "v", 8);
  erase<std::string>(*store_, "l", 0, 9);
  changelog_.records.clear();
  commit();
  EXPECT_EQ(changelog_.records,
            (Records{{from_hex("6b000000000000000000000000"), std::nullopt, 7}}));
  EXPECT_EQ(starts(), Starts{});
}

// --- retention (SEMANTICS R-W5) ----------------------------------------------------------------

// The greatest start ever put, whatever the key, decides what a read may show.
TEST_F(WindowCellsTest, ReadableUpToRetention) {
  put<std::string>(*store_, "k", 0, "v", 1);
  put<std::string>(*store_, "j", 20, "v", 21);
  EXPECT_EQ(starts(), (Starts{0, 20}));
  put<std::string>(*store_, "j", 29, "v", 29);
  EXPECT_TRUE(store_->readable(0));  // 0 >= 29 - 30 + 1
  put<std::string>(*store_, "j", 30, "v", 30);
  EXPECT_FALSE(store_->readable(0));
  EXPECT_TRUE(store_->readable(1));
  EXPECT_EQ(store_->find("k", 0), nullptr);
  EXPECT_EQ(starts(), (Starts{20, 29, 30}));
  EXPECT_EQ(contents<std::string>(*store_).count({0, "k"}), 0u);
}

// A put of null moves the store's time like any other; it makes no cell.
TEST_F(WindowCellsTest, NullPutsMoveTime) {
  put<std::string>(*store_, "k", 0, "v", 1);
  store_->observe(30);
  EXPECT_FALSE(store_->readable(0));
  EXPECT_EQ(starts(), Starts{});
  store_->observe(10);
  EXPECT_FALSE(store_->readable(0));
}

// Before anything was put everything is readable.
TEST_F(WindowCellsTest, ReadableBeforeAll) {
  EXPECT_TRUE(store_->readable(0));
  EXPECT_TRUE(store_->readable(INT64_MAX));
}

// Reads hide an expired window at once; its cells go with the commit, and an abort brings it back.
TEST_F(WindowCellsTest, ExpiryIsUndone) {
  put<std::string>(*store_, "k", 0, "v", 1);
  commit();
  const auto before = contents<std::string>(*store_);
  put<std::string>(*store_, "k", 0, "w", 2);  // its undo is in the window that expires
  put<std::string>(*store_, "k", 1000, "x", 1000);
  EXPECT_FALSE(store_->readable(0));
  abort();
  EXPECT_TRUE(store_->readable(0));
  EXPECT_EQ(contents<std::string>(*store_), before);
  EXPECT_EQ(starts(), Starts{0});

  put<std::string>(*store_, "k", 0, "w", 2);
  put<std::string>(*store_, "k", 1000, "x", 1000);
  commit();
  EXPECT_EQ(contents<std::string>(*store_),
            (WindowContents<std::string>{{{1000, "k"}, {"x", 1000}}}));
}

// Windows that an abort or deletions leave empty do not stay until they expire.
TEST(WindowCells, EmptyWindowsGo) {
  constexpr int kWindows = 1000;
  TaskMemory memory;
  Changelog changelog;
  const auto store = window_store<std::string>(memory, 1, 1'000'000);
  put<std::string>(*store, "k", kWindows, "v", 1);
  changelog.commit(*store);
  memory.commit();
  const std::size_t before = store->bytes();
  for (int i = 0; i < kWindows; ++i) {
    put<std::string>(*store, "k", i, "v", i);
    store->abort();
    memory.abort();
  }
  EXPECT_LT(store->bytes(), before + 1000);
  // Twice: a window that went comes again like any other.
  for (int i = 0; i < 2 * kWindows; ++i) {
    put<std::string>(*store, "k", i % kWindows, "v", i);
    changelog.commit(*store);
    erase<std::string>(*store, "k", i % kWindows, i);
    changelog.commit(*store);
  }
  EXPECT_LT(store->bytes(), before + 1000);
  EXPECT_EQ(store->starts(0, INT64_MAX), Starts{kWindows});

  TaskMemory fresh;
  const auto restored = window_store<std::string>(fresh, 1, 1'000'000);
  ASSERT_TRUE(changelog.restore(*restored).ok());
  EXPECT_LT(restored->bytes(), before + 1000);
}

// Memory of windows that went is given back, also when they were large.
TEST_F(WindowCellsTest, ExpiredMemoryGoesBack) {
  for (int i = 0; i < 50'000; ++i) {
    put<std::string>(*store_, std::to_string(i), 0, std::string(50, 'x'), 1);
  }
  commit();
  const std::size_t full = store_->bytes();
  put<std::string>(*store_, "k", 1000, "x", 1000);
  commit();
  EXPECT_GT(store_->bytes(), full / 2);  // not all at once: a commit must not stall
  for (int i = 0; i < 200; ++i) commit();
  EXPECT_LT(store_->bytes(), full / 10);
}

// Nothing overflows where the retention is for ever.
TEST(WindowCells, UnlimitedRetention) {
  TaskMemory memory;
  const auto store = window_store<std::string>(memory, INT64_MAX, INT64_MAX);
  put<std::string>(*store, "k", 0, "v", 1);
  put<std::string>(*store, "k", INT64_MAX - 1, "w", 2);
  EXPECT_FALSE(store->readable(-1));
  EXPECT_EQ(store->starts(0, INT64_MAX), (Starts{0, INT64_MAX - 1}));
}

// --- scans -------------------------------------------------------------------------------------

// Windows come by start, keys within by unsigned bytes; bounds are inclusive; deleted ones hide.
TEST_F(WindowCellsTest, ScanOrderAndBounds) {
  for (const std::int64_t start : {20, 10, 0}) {
    for (const char* key : {"\xff", "a", "b"}) put<std::string>(*store_, key, start, "v", start);
  }
  erase<std::string>(*store_, "b", 10, 11);
  std::vector<std::string> seen;
  const auto collect = [&](BytesView key, std::int64_t start, const Cell&) {
    seen.push_back(std::to_string(start) + Bytes(key));
    return seen.size() < 4;
  };
  store_->scan({.from_ms = 10, .to_ms = 20}, ScanOrder::kForward, collect);
  EXPECT_EQ(seen, (std::vector<std::string>{"10a", "10\xff", "20a", "20b"}));
  EXPECT_EQ(store_->starts(1, 19), Starts{10});
  EXPECT_EQ(store_->starts(20, 10), Starts{});
}

// --- restore -----------------------------------------------------------------------------------

// Restored records raise the store's time and are hidden behind it, in any order.
TEST_F(WindowCellsTest, RestoreSkipsWhatExpired) {
  put<std::string>(*store_, "k", 0, "v", 1);
  put<std::string>(*store_, "k", 10, "w", 11);
  commit();
  put<std::string>(*store_, "k", 40, "x", 41);
  commit();
  TaskMemory memory;
  const auto restored = window_store<std::string>(memory, 10, 30);
  ASSERT_TRUE(changelog_.restore(*restored).ok());
  EXPECT_EQ(contents<std::string>(*restored), contents<std::string>(*store_));
  memory.abort();  // what was restored is committed
  EXPECT_FALSE(restored->readable(10));

  TaskMemory later;
  later.load("hourly:s", 60);
  const auto with_time = window_store<std::string>(later, 10, 30);
  ASSERT_TRUE(changelog_.restore(*with_time).ok());
  EXPECT_EQ(with_time->starts(0, 1000), Starts{40});
}

// Keys that no window store without duplicates wrote are fatal, told with store and offset.
TEST_F(WindowCellsTest, RestoreTellsWhatItCannotDecode) {
  for (const char* key :
       {"", "0000000000000000000000", "6bffffffffffffffff00000000", "6b000000000000000a00000001"}) {
    const Status s = store_->restore(from_hex(key), BytesView("v"), from_ms(1), Offset(42));
    EXPECT_EQ(s.consequence(), Consequence::kFatal) << key;
    EXPECT_THAT(s.message(), HasSubstr("'hourly'"));
    EXPECT_THAT(s.message(), HasSubstr("42"));
  }
  EXPECT_TRUE(store_->readable(0));
  EXPECT_EQ(starts(), Starts{});

  const auto numbers = window_store<std::int64_t>(memory_, 10, 30);
  const Status s = numbers->restore(from_hex("6b000000000000000a00000000"), BytesView("v"),
                                    from_ms(1), Offset(42));
  EXPECT_EQ(s.consequence(), Consequence::kFatal);
  EXPECT_EQ(numbers->starts(0, 1000), Starts{});
  EXPECT_EQ(memory_[memory_.add("hourly:s", Persisted::kYes)], TaskMemory::kUnknown);
}

// --- purging -----------------------------------------------------------------------------------

// The bound is the lowest offset of a live window, once something below it is not needed.
TEST_F(WindowCellsTest, PurgeBelowTheOldestLiveWindow) {
  EXPECT_EQ(store_->purge_below(), std::nullopt);
  put<std::string>(*store_, "k", 0, "v", 1);
  commit();  // record 0
  put<std::string>(*store_, "k", 20, "v", 21);
  commit();  // record 1
  put<std::string>(*store_, "k", 20, "w", 22);
  commit();  // record 2
  EXPECT_EQ(store_->purge_below(), std::nullopt);
  put<std::string>(*store_, "k", 30, "v", 31);
  EXPECT_EQ(store_->purge_below(), std::nullopt);
  commit();  // record 3; window 0 goes
  EXPECT_EQ(store_->purge_below(), Changelog::offset_of(1));
  put<std::string>(*store_, "k", 50, "v", 51);
  commit();  // record 4; window 20 goes
  EXPECT_EQ(store_->purge_below(), Changelog::offset_of(3));
}

// A record that is not needed stays as long as one before it is.
TEST_F(WindowCellsTest, NoPurgeAboveALiveRecord) {
  put<std::string>(*store_, "k", 20, "v", 21);
  commit();
  put<std::string>(*store_, "k", 0, "v", 1);
  commit();
  put<std::string>(*store_, "k", 40, "v", 41);
  commit();  // window 0 goes; window 20 has the first record
  EXPECT_EQ(starts(), (Starts{20, 40}));
  EXPECT_EQ(store_->purge_below(), std::nullopt);
}

// A restored store knows the bound, too, and that expired records may go.
TEST_F(WindowCellsTest, PurgeAfterRestore) {
  for (const std::int64_t start : {0, 20, 60, 70}) {
    put<std::string>(*store_, "k", start, "v", start);
    commit();
  }
  TaskMemory memory;
  memory.load("hourly:s", 70);
  const auto restored = window_store<std::string>(memory, 10, 30);
  ASSERT_TRUE(changelog_.restore(*restored).ok());
  EXPECT_EQ(restored->purge_below(), Changelog::offset_of(2));
}

// Without a changelog nothing is known and nothing may go.
TEST_F(WindowCellsTest, NoPurgeWithoutAChangelog) {
  for (const std::int64_t start : {0, 100, 200}) {
    put<std::string>(*store_, "k", start, "v", start);
    store_->commit({});
  }
  EXPECT_EQ(store_->purge_below(), std::nullopt);
}

}  // namespace
}  // namespace millrace::state
