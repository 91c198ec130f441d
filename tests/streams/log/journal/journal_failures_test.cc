// The journal log where what it stands on misbehaves: loggers that use the log or throw, exceptions out of
// files, disks that are slow while it closes, power that goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "streams/log/journal/journal_harness.h"
#include "streams/log/journal/journal_log_fixture.h"
#include "streams/log/journal/watched_files.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const TopicPartition kA{"a", Partition(0)};

// --- loggers -------------------------------------------------------------------------------------

class LoggerThatUsesTheLog final : public Logger {
 public:
  std::atomic<Log*> log = nullptr;
  std::atomic<int> messages = 0;

  void write(LogLevel level, std::string_view) override {
    ++messages;
    JournalClient client(*log);
    (void)client.list(OffsetKind::kEnd, kA);
    if (level == LogLevel::kInfo) client.create_topic("logger", 1);
    throw std::runtime_error("and it throws");
  }
};

TEST(JournalLoggerTest, ALoggerMayUseTheLogAndWaitForIt) {
  // It is told that the disk is full, and that there is room again.
  SimulatedFileSystem files(1);
  LoggerThatUsesTheLog logger;
  const auto log = open_or_throw({.directory = "/journal"}, {.files = files, .logger = logger});
  logger.log = log.get();
  JournalClient client(*log);
  client.create_topic("a", 1);
  auto out = client.producer("p");
  files.set_room(0);
  client.begin_with(*out, kA, {"1"});
  const OperationId commit = client.next();
  out->submit_commit(commit, {}, {});
  client.until("the warning", [&] { return logger.messages == 1; });
  files.set_room(std::nullopt);
  client.must(client.wait(commit).status);
  client.until("what the logger did", [&] {
    const OperationId id = client.next();
    client.admin().submit_describe_topics(id, {"logger"});
    return std::get<TopicsDescribed>(client.wait(id).what).topics.at(0).partitions.has_value();
  });
}

// --- exceptions ----------------------------------------------------------------------------------

struct Throwing {
  const char* words;
  void (*now)();
};

class JournalExceptionTest : public testing::TestWithParam<Throwing> {
 protected:
  std::mutex mutex;
  std::string operation;  // that throws; guarded by mutex
  const TemporaryDirectory directory;
  CollectingLogger logger;
  WatchedFileSystem files{[this](std::string_view now, const std::string&) {
    const std::lock_guard lock(mutex);
    if (now == operation) GetParam().now();
  }};
  JournalOptions options{.directory = directory.path() / "journal",
                         .segment_bytes = 4096,
                         .tail_bytes = 0,
                         .cleaner_interval = Duration(1'000'000)};

  void throw_at(const std::string& at) {
    const std::lock_guard lock(mutex);
    operation = at;
  }
};

TEST_P(JournalExceptionTest, OneInTheWriterStopsTheLogByName) {
  for (const std::string at : {"append", "sync"}) {
    const auto log = open_or_throw(options, {.files = files, .logger = logger});
    JournalClient client(*log);
    client.create_topic(at, 1);
    auto out = client.producer("p");
    client.begin_with(*out, {at, Partition(0)}, {"1"});
    throw_at(at);
    const Status status = client.commit(*out);
    EXPECT_EQ(status.consequence(), Consequence::kFatal);
    EXPECT_THAT(status.message(), AllOf(HasSubstr("cannot go on"), HasSubstr(GetParam().words)));
    throw_at("");
    // Whoever comes afterwards hears the same.
    EXPECT_EQ(out->begin().message(), status.message());
    EXPECT_EQ(client
                  .run([&](OperationId id) {
                    client.admin().submit_create_topics(id, {{"later", 1, {}}});
                  })
                  .message(),
              status.message());
    client.until("the message", [&] { return !logger.warnings().empty(); });
    EXPECT_THAT(logger.warnings(), HasSubstr("has stopped"));
  }
  const auto log = open_or_throw(options);  // what there is can be used
  JournalClient(*log).create_topic("a", 1);
}

TEST_P(JournalExceptionTest, OneInTheReaderOfFilesFailsWhoReads) {
  const auto log = open_or_throw(options, {.files = files, .logger = logger});
  JournalClient client(*log);
  client.create_topic("a", 1);
  auto out = client.producer("p");
  client.commit_values(*out, kA, {"1"});
  throw_at("read");
  auto reader = log->make_reader({}, client.inbox());
  const ReaderPartition index = reader->start(kA, Offset(0));
  RecordBatch batch;
  Event event;
  client.until("the failure", [&] {
    reader->drain(index, 10, batch);
    return client.inbox().pop(event) && std::holds_alternative<ReadFailed>(event.what);
  });
  EXPECT_EQ(event.status.consequence(), Consequence::kFatal);
  EXPECT_THAT(event.status.message(), HasSubstr(GetParam().words));
  throw_at("");
  client.commit_values(*out, kA, {"2"});
  EXPECT_EQ(client.read(kA).size(), 2u);
}

TEST_P(JournalExceptionTest, OneInTheCleanerEndsCleaningAndNothingElse) {
  options.cleaner_interval = Duration(2);
  const auto log = open_or_throw(options, {.files = files, .logger = logger});
  JournalClient client(*log);
  client.create_topic("a", 1, {{"cleanup.policy", "compact"}});
  auto out = client.producer("p");
  throw_at("free");
  for (int i = 0; i < 20; ++i) client.commit_values(*out, kA, {std::string(1000, 'x')});
  client.until("the message", [&] { return !logger.warnings().empty(); });
  EXPECT_THAT(logger.warnings(),
              AllOf(HasSubstr("is not cleaned any more"), HasSubstr(GetParam().words)));
  client.commit_values(*out, kA, {"and it goes on"});
  EXPECT_EQ(client.read(kA).size(), 21u);
}

TEST_P(JournalExceptionTest, OneWhileItIsOpenedIsSaid) {
  throw_at("list");
  const auto opened = JournalLog::open(options, {.files = files, .logger = logger});
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.status().message(), HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(Kinds, JournalExceptionTest,
                         testing::Values(Throwing{"bad_alloc", [] { throw std::bad_alloc(); }},
                                         Throwing{
                                             "the disk is odd",
                                             [] { throw std::runtime_error("the disk is odd"); }},
                                         Throwing{"no std::exception", [] { throw 7; }}),
                         [](const auto& kind) { return "Kind" + std::to_string(kind.index); });

// --- closing -------------------------------------------------------------------------------------

TEST(JournalCloseTest, ClosingDoesNotWaitForAPassOfTheCleaner) {
  // On a disk that takes a millisecond for each read. The pass has thousands before it.
  constexpr int kLooks = 10;
  constexpr int kRecords = 3000;
  const TemporaryDirectory directory;
  std::mutex mutex;
  std::condition_variable changed;
  int reads = 0;         // of the cleaner; guarded by mutex
  bool watches = false;  // guarded by mutex
  bool closes = false;   // guarded by mutex
  WatchedFileSystem files([&](std::string_view operation, const std::string&) {
    std::unique_lock lock(mutex);
    if (!watches || operation != "read") return;
    if (++reads == kLooks) {
      changed.notify_all();
      changed.wait(lock, [&] { return closes; });
    }
    if (reads > kLooks) changed.wait_for(lock, std::chrono::milliseconds(1));
  });
  auto log = open_or_throw({.directory = directory.path() / "journal",
                            .sync = Sync::kOff,
                            .segment_bytes = std::uint64_t{256} << 10,
                            .cleaner_interval = Duration(5)},
                           {.files = files});
  {
    JournalClient client(*log);
    client.create_topic("a", 1, {{"cleanup.policy", "compact"}});
    auto out = client.producer("p");
    {
      const std::lock_guard lock(mutex);
      watches = true;
    }
    for (int i = 0; i < kRecords; ++i) client.commit_values(*out, kA, {std::string(100, 'x')});
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return reads >= kLooks; }));
  closes = true;
  changed.notify_all();
  lock.unlock();
  log.reset();
  lock.lock();
  EXPECT_LT(reads, kRecords / 4);
}

// --- power ---------------------------------------------------------------------------------------

TEST(JournalCleanerPowerTest, WithoutSyncsNoFileGoesBeforeWhatTookItsRecordsLasts) {
  // A topic is deleted, its files go, the power goes: the topic is gone, or whole.
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedFileSystem files(seed);
    const JournalOptions options{.directory = "/journal",
                                 .sync = Sync::kOff,
                                 .segment_bytes = 4096,
                                 .cleaner_interval = Duration(2)};
    const auto segments = [&] {
      return std::ranges::count_if(files.contents(), [](const auto& file) {
        return file.first.find(".segment") != std::string::npos;
      });
    };
    {
      const auto log = open_or_throw(options, {.files = files});
      JournalClient client(*log);
      client.create_topic("a", 1);
      auto out = client.producer("p");
      for (int i = 0; i < 50; ++i) client.commit_values(*out, kA, {std::string(500, 'x')});
      ASSERT_GT(segments(), 4);
      client.must(
          client.run([&](OperationId id) { client.admin().submit_delete_topics(id, {"a"}); }));
      client.until("the files to go", [&] { return segments() < 3; });
      files.cut_power();
    }
    files.restart();
    const auto log = open_or_throw(options, {.files = files});
    JournalClient client(*log);
    const OperationId id = client.next();
    client.admin().submit_describe_topics(id, {"a"});
    if (std::get<TopicsDescribed>(client.wait(id).what).topics.at(0).partitions) {
      EXPECT_EQ(client.read(kA).size(), 50u);
    }
  }
}

}  // namespace
}  // namespace millrace::log::journal
