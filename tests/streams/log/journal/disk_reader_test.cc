// The thread that reads for those who lag: what leaves memory while it reads.
#include "log/journal/disk_reader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <stdexcept>

#include "log/journal/segment_file.h"
#include "streams/log/journal/journal_harness.h"
#include "streams/log/journal/watched_files.h"
#include "support/simulated_file_system.h"
#include "support/temporary_directory.h"

namespace millrace::log::journal {
namespace {

// Where readers of files wait while it is shut.
class Gate {
 public:
  void shut() {
    const std::lock_guard lock(mutex_);
    is_shut_ = true;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_shut_ = false;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    is_waited_at_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !is_shut_; });
    is_waited_at_ = false;
  }
  // Returns whether somebody does.
  bool wait_for_somebody() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return is_waited_at_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_shut_ = false;
  bool is_waited_at_ = false;
};

TEST(DiskReader, WhatLeavesMemoryWhileItReadsIsNotPassed) {
  // Offset 0 was aborted: no batch holds it. The batches behind it are in memory when the disk is
  // asked, and on disk only when it answers.
  Gate gate;
  WatchedFileSystem files([&](std::string_view operation, const std::string&) {
    if (operation == "read") gate.pass();
  });
  const TemporaryDirectory directory;
  JournalHarness journal(files, directory.path() / "journal");
  journal.options.segment_bytes = 4096;
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("a", 1).ok());
  const PartitionKey a = place(1, 0);
  RecordEncoder record;
  record.add(0, "key", "value", journal.clock.now(), Headers::none());
  for (const Offset base : {Offset(1), Offset(3)}) {
    Frame frame;
    frame.batches.push_back(
        {a, base, base + 2, 1, journal.clock.now(), record.max_timestamp(), record.bytes()});
    ASSERT_TRUE(journal.append(frame).ok());
  }
  // Its index is read from the file once its segment is no more the last.
  const std::string much(4096, 'x');
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(journal.write({{a, {much}}}).ok());
  ASSERT_TRUE(journal.store->sync().ok());

  JournalState state({}, journal.clock, journal.logger);
  state.store = std::move(journal.store);
  DiskReader disk(state);
  Inbox inbox;
  const auto prefetch = std::make_shared<Prefetch>();
  prefetch->where = a;
  prefetch->next = Offset(0);
  prefetch->until = Offset(1);
  prefetch->inbox = &inbox;
  gate.shut();
  {
    const std::lock_guard lock(state.mutex);
    disk.want(prefetch);
  }
  EXPECT_TRUE(gate.wait_for_somebody());
  {
    const std::lock_guard lock(state.mutex);
    prefetch->until = Offset(5);  // as a cursor does that looks meanwhile
  }
  gate.open();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (bool is_done = false; !is_done;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    inbox.wait(Duration(10));
    const std::lock_guard lock(state.mutex);
    is_done = !prefetch->queued && prefetch->done();
  }
  const std::lock_guard lock(state.mutex);
  EXPECT_FALSE(prefetch->failed);
  ASSERT_EQ(prefetch->ready.size(), 2u);
  EXPECT_EQ(prefetch->ready[0].base, Offset(1));
  EXPECT_EQ(prefetch->ready[1].base, Offset(3));
}

TEST(DiskReader, WhatTheCleanerTakesAwayBeforeItIsOpenedIsLookedForAgain) {
  // The cleaner keeps open what goes, for those who are about to read it. Where it cannot (too many files
  // are open, say) they find what is there now.
  SimulatedFileSystem disk(1);
  std::function<void()> before_open;
  WatchedFileSystem files(
      [&](std::string_view operation, const std::string& path) {
        if (operation == "open" && path.ends_with("1.segment") && before_open)
          std::exchange(before_open, nullptr)();
      },
      disk);
  JournalHarness journal(files, "/data/journal");
  journal.options.segment_bytes = 2000;
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("a", 1, {{"retention.ms", "-1"}}).ok());
  const PartitionKey a = place(1, 0);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(journal.write({{a, {"k=" + Bytes(100, 'v')}}}).ok());
  Frame deletion;
  deletion.deletions.push_back({a, Offset(60)});
  ASSERT_TRUE(journal.append(deletion).ok());
  ASSERT_TRUE(journal.store->sync().ok());
  ASSERT_TRUE(journal.open().ok());
  journal.store->find(a, Offset(0)).value()->segment->close();  // for others that are read

  const Catalog catalog = journal.catalog;
  JournalState state({}, journal.clock, journal.logger);
  state.store = std::move(journal.store);
  Inbox inbox;
  const auto prefetch = std::make_shared<Prefetch>();
  before_open = [&] {
    disk.deny("1.segment");
    EXPECT_TRUE(state.store->clean(catalog, journal.clock.now(), 1 << 20).ok());
    disk.deny("");
  };
  prefetch->where = a;
  prefetch->next = Offset(0);
  prefetch->until = Offset(70);
  prefetch->inbox = &inbox;
  DiskReader reader(state);
  {
    const std::lock_guard lock(state.mutex);
    reader.want(prefetch);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (bool is_done = false; !is_done;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    inbox.wait(Duration(10));
    const std::lock_guard lock(state.mutex);
    is_done = !prefetch->queued && prefetch->done();
  }
  const std::lock_guard lock(state.mutex);
  EXPECT_FALSE(prefetch->failed) << prefetch->failed->message();
  EXPECT_FALSE(prefetch->ready.empty());
  EXPECT_FALSE(before_open);
}

}  // namespace
}  // namespace millrace::log::journal
