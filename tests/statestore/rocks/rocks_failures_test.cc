// What fails in the threads behind a host is a failure of one task's disk: named, and never the process's
// end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/options.h>

#include <fstream>
#include <stdexcept>

#include "statestore/rocks/failing_file_system.h"
#include "statestore/rocks/rocks_support.h"

namespace millrace::state {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RocksFailures : public testing::Test {
 protected:
  RocksHostOptions options() {
    RocksHostOptions options{.directory = directory_.path() / "app", .logger = &lines_};
    options.retry_after = Duration(1);
    return options;
  }

  TemporaryDirectory directory_;
  LoggedLines lines_;
};

TEST_F(RocksFailures, AHookThatThrowsFailsItsTaskAlone) {
  RocksHostOptions hooked = options();
  hooked.rocksdb = [](std::string_view store, rocksdb::ColumnFamilyOptions&) {
    if (store == "sessions") throw std::runtime_error("no such compression");
  };
  OpenHost host(hooked, {identity("sessions")});
  ASSERT_EQ(host.task().state(), TaskDisk::State::kFailed);
  EXPECT_THAT(host.task().failure(), AllOf(HasSubstr("hook"), HasSubstr("store sessions"),
                                           HasSubstr("no such compression")));
  host.open({identity("counts")}, "orders-4");
  host.apply(one_put("a", "1", 5, Offset(7)));
  EXPECT_EQ(contents(host.table()), (Contents{{"a", {"1", 5}}}));
}

TEST_F(RocksFailures, AHookThatThrowsNoExceptionFailsItsTaskToo) {
  RocksHostOptions hooked = options();
  hooked.rocksdb = [](std::string_view, rocksdb::ColumnFamilyOptions&) { throw 42; };
  OpenHost host(hooked);
  ASSERT_EQ(host.task().state(), TaskDisk::State::kFailed);
  EXPECT_THAT(host.task().failure(), HasSubstr("no std::exception"));
}

TEST_F(RocksFailures, ADirectoryThatIsAFileFailsItsTaskAlone) {
  std::filesystem::create_directories(options().directory / "orders-3");
  std::filesystem::permissions(options().directory, std::filesystem::perms::owner_all);
  std::ofstream(options().directory / "orders-3" / "db") << "not a directory";
  OpenHost host(options());
  ASSERT_EQ(host.task().state(), TaskDisk::State::kFailed);
  EXPECT_THAT(host.task().failure(), HasSubstr("orders-3"));
  host.open({identity("counts")}, "orders-4");
  EXPECT_EQ(host.task().state(), TaskDisk::State::kOpen);
}

TEST_F(RocksFailures, WhatIsThrownWhileItIsWrittenIsTheTasksFailure) {
  auto disk = std::make_shared<FailingFileSystem>();
  RocksHostOptions failing = options();
  failing.file_system = disk;
  failing.ingest_from = 1;
  MemoryBudget budget(0);
  failing.budget = &budget;
  OpenHost host(failing);
  disk->new_files = FailingFileSystem::Thrown::kRuntimeError;
  host.table().submit(one_put("a", "1", 5, Offset(7)));
  host.table().hurry();
  host.wait([&] { return !host.table().health().ok(); });
  EXPECT_EQ(host.table().health().consequence(), Consequence::kFatal);
  EXPECT_THAT(host.table().health().message(),
              AllOf(HasSubstr("orders-3"), HasSubstr("thrown by the file system")));
  // The task closes it, and the next opening finds what was there before.
  disk->new_files = FailingFileSystem::Thrown::kNothing;
  host.close_task();
  host.open({identity("counts")});
  EXPECT_EQ(host.table().offset(), kNoOffset);
  host.apply(one_put("a", "1", 5, Offset(7)));
  EXPECT_EQ(contents(host.table()), (Contents{{"a", {"1", 5}}}));
  EXPECT_EQ(budget.used(MemoryUse::kBatches), 0u);
}

TEST_F(RocksFailures, MemoryThatRunsOutWhileItIsWrittenPasses) {
  auto disk = std::make_shared<FailingFileSystem>();
  RocksHostOptions failing = options();
  failing.file_system = disk;
  failing.ingest_from = 1;
  OpenHost host(failing);
  disk->new_files = FailingFileSystem::Thrown::kBadAlloc;
  const BatchNumber number = host.table().submit(one_put("a", "1", 5, Offset(7)));
  host.table().hurry();
  host.wait([&] { return !host.table().health().ok(); });
  EXPECT_EQ(host.table().health().consequence(), Consequence::kRetry);
  EXPECT_THAT(host.table().health().message(), HasSubstr("out of memory"));
  disk->new_files = FailingFileSystem::Thrown::kNothing;
  host.wait([&] { return host.table().applied() >= number && host.table().health().ok(); });
  EXPECT_EQ(contents(host.table()), (Contents{{"a", {"1", 5}}}));
}

// A logger may show what the host says of itself.
class AskingLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view message) override {
    const RocksDiskHost* const asked = host.load();
    if (asked) bytes += asked->memory_bytes();
    lines.write(LogLevel::kInfo, message);
  }
  std::atomic<const RocksDiskHost*> host{nullptr};
  std::atomic<std::size_t> bytes{0};
  LoggedLines lines;
};

TEST_F(RocksFailures, TheLoggerIsCalledWithoutAnyLock) {
  AskingLogger logger;
  auto disk = std::make_shared<FailingFileSystem>();
  RocksHostOptions failing = options();
  failing.file_system = disk;
  failing.logger = &logger;
  failing.ingest_from = 1;
  OpenHost host(failing);
  logger.host = &host.host();
  disk->full = true;
  const BatchNumber number = host.table().submit(one_put("a", "1", 5, Offset(7)));
  host.table().hurry();
  host.wait([&] { return !host.table().health().ok(); });
  disk->full = false;
  host.wait([&] { return host.table().applied() >= number && host.table().health().ok(); });
  EXPECT_GT(logger.bytes, 0u);
  logger.host = nullptr;
  host.close_task();
  EXPECT_TRUE(host.host().wait_closed(Duration(60'000)));
  EXPECT_THAT(logger.lines.all(), AllOf(HasSubstr("cannot be written"), HasSubstr("again")));
}

}  // namespace
}  // namespace millrace::state
