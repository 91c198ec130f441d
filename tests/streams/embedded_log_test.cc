// The embedded log as users see it: EmbeddedLog with its writers and readers, StreamsConfig, and an
// application on a directory, restarted and killed.
#include "millrace/embedded_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <vector>

#include "log/journal/journal_log.h"
#include "millrace/dsl.h"
#include "millrace/streams.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Topic<std::string, std::string> kLines("lines");
const Topic<std::string, std::int64_t> kCounts("counts");
const Topic<NoKey, std::optional<std::string>> kNotes("notes");

Topology count_by_key() {
  StreamsBuilder builder;
  builder.stream(kLines).group_by_key().count("counts").to_stream().drop_tombstones().to(kCounts);
  return builder.build();
}

class EmbeddedLogTest : public testing::Test {
 protected:
  TemporaryDirectory temporary;
  const std::string directory = temporary.path() / "log";
};

template <class K, class V>
std::vector<EmbeddedRecord<K, V>> read_all(EmbeddedLog& log, const Topic<K, V>& topic) {
  EmbeddedReader<K, V> reader(log, topic);
  std::vector<EmbeddedRecord<K, V>> records;
  do {
    while (auto record = reader.read(0ms)) records.push_back(std::move(*record));
    if (auto record = reader.read(1ms)) records.push_back(std::move(*record));
  } while (!reader.at_end());
  return records;
}

TEST_F(EmbeddedLogTest, WhatIsCommittedIsRead) {
  EmbeddedLog log(directory);
  log.create_topic("lines", 3);
  EmbeddedWriter writer(log, kLines);
  writer.append("a", "1", Timestamp(5ms), Headers{{"name", "value"}});
  writer.append("b", "2", Timestamp(6ms));
  EmbeddedReader reader(log, kLines);
  EXPECT_FALSE(reader.read(20ms));
  writer.commit();
  std::map<std::string, std::string> seen;
  for (int i = 0; i < 2; ++i) {
    const auto record = reader.read(10s);
    ASSERT_TRUE(record);
    seen[record->key] = record->value;
    EXPECT_EQ(record->headers.size(), record->key == "a" ? 1u : 0u);
    EXPECT_EQ(record->timestamp, Timestamp(record->key == "a" ? 5ms : 6ms));
  }
  EXPECT_EQ(seen, (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
  EXPECT_FALSE(reader.read(0ms));
  EXPECT_TRUE(reader.at_end());
}

TEST_F(EmbeddedLogTest, WritersThatAreGoneLeaveNothingBehind) {
  // A program may make one for each record.
  EmbeddedLog log(directory);
  log.create_topic("lines", 1);
  for (int i = 0; i < 30; ++i) {
    EmbeddedWriter writer(log, kLines);
    writer.append("k", std::to_string(i), Timestamp(5ms));
    if (i % 3 != 0) writer.commit();
  }
  EXPECT_EQ(read_all(log, kLines).size(), 20u);
  const auto& journal = dynamic_cast<log::journal::JournalLog&>(detail::log_of(log));
  EXPECT_EQ(journal.transactional_ids(), 1u);
}

TEST_F(EmbeddedLogTest, RecordsWithoutKeysGoToAllPartitionsInTurn) {
  EmbeddedLog log(directory);
  log.create_topic("notes", 3);
  EmbeddedWriter writer(log, kNotes);
  for (int i = 0; i < 6; ++i) writer.append({}, i == 5 ? std::nullopt : std::optional("note"), {});
  writer.commit();
  std::map<std::int32_t, int> partitions;
  int nulls = 0;
  for (const auto& record : read_all(log, kNotes)) {
    ++partitions[record.partition.value()];
    nulls += record.value ? 0 : 1;
  }
  EXPECT_EQ(partitions, (std::map<std::int32_t, int>{{0, 2}, {1, 2}, {2, 2}}));
  EXPECT_EQ(nulls, 1);
}

TEST_F(EmbeddedLogTest, ARefusedRecordCommitsNothingOfItsTransaction) {
  EmbeddedLog log(directory);
  log.create_topic("lines", 1, {{"max.message.bytes", "1000"}});
  EmbeddedWriter writer(log, kLines);
  writer.append("a", "small", {});
  writer.append("a", std::string(2000, 'x'), {});
  try {
    writer.commit();
    FAIL();
  } catch (const TopicError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("lines"), HasSubstr("max.message.bytes")));
  }
  writer.append("a", "next", {});
  writer.commit();
  const auto records = read_all(log, kLines);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].value, "next");
}

TEST_F(EmbeddedLogTest, TopicsAreMadeAndDeleted) {
  EmbeddedLog log(directory);
  EXPECT_EQ(log.partitions("lines"), std::nullopt);
  log.create_topic("lines", 3);
  log.create_topic("lines", 5);
  EXPECT_EQ(log.partitions("lines"), 3);
  log.delete_topic("lines");
  log.delete_topic("lines");
  EXPECT_EQ(log.partitions("lines"), std::nullopt);
  EXPECT_THROW(EmbeddedWriter(log, kLines), TopicError);
  EXPECT_THROW(EmbeddedReader(log, kLines), TopicError);
  EXPECT_THROW(log.create_topic("no such name!", 1), TopicError);
}

TEST_F(EmbeddedLogTest, ASecondOneSaysWhoHasTheDirectory) {
  const EmbeddedLog log(directory);
  try {
    const EmbeddedLog second(directory);
    FAIL();
  } catch (const StoppedError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr(directory), HasSubstr(std::to_string(::getpid()))));
  }
}

TEST_F(EmbeddedLogTest, EveryWrongPropertyIsNamedAtOnce) {
  try {
    const EmbeddedLog log(directory, {{"embedded.sync", "sometimes"},
                                      {"embedded.segment.byte", "1"},
                                      {"embeded.tail.bytes", "1"},
                                      {"embedded.sync.window.ms", "0"},
                                      {"security.protocol", "of a broker, not looked at"}});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(),
                AllOf(HasSubstr("embedded.sync needs commit, window or off"),
                      HasSubstr("did you mean embedded.segment.bytes?"),
                      HasSubstr("did you mean embedded.tail.bytes?"),
                      HasSubstr("embedded.sync.window.ms needs"), Not(HasSubstr("security"))));
  }
}

// --- configuration -------------------------------------------------------------------------------

std::string mistakes_of(const StreamsConfig& config) {
  try {
    config.validate();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST_F(EmbeddedLogTest, TheAddressIsADirectory) {
  StreamsConfig config{.application_id = "app"};
  for (const char* fine : {"embedded:///var/lib/app", "embedded://./data", "localhost:9092"}) {
    config.bootstrap_servers = fine;
    EXPECT_EQ(mistakes_of(config), "") << fine;
  }
  for (const char* wrong : {"embedded:", "embedded://", "embedded://data", "embedded:/data",
                            "embedded:///", "embedded://./"}) {
    config.bootstrap_servers = wrong;
    EXPECT_THAT(mistakes_of(config), HasSubstr("embedded:///absolute/directory")) << wrong;
  }
}

TEST_F(EmbeddedLogTest, AllMistakesOfTheLogAreReportedWithTheOthers) {
  EmbeddedLog log(directory);
  const StreamsConfig config{.application_id = "app",
                             .bootstrap_servers = "localhost:9092",
                             .embedded_log = &log,
                             .commit_interval = 0ms,
                             .properties = {{"embedded.sync", "on"}}};
  EXPECT_THAT(mistakes_of(config), AllOf(HasSubstr("commit.interval.ms"), HasSubstr("left out"),
                                         HasSubstr("embedded.sync needs")));
}

// --- applications --------------------------------------------------------------------------------

// Counts in the order in which they came out, by key.
std::map<std::string, std::vector<std::int64_t>> counts_in(EmbeddedLog& log) {
  std::map<std::string, std::vector<std::int64_t>> counts;
  for (const auto& record : read_all(log, kCounts)) counts[record.key].push_back(record.value);
  return counts;
}

// Every count came once, in order: 1, 2, 3, ...
std::vector<std::int64_t> up_to(std::size_t count) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 1; i <= count; ++i) numbers.push_back(static_cast<std::int64_t>(i));
  return numbers;
}

// Effect: reads until so many counts have come out in all.
void await_counts(EmbeddedReader<std::string, std::int64_t>& reader, int& seen, int wanted) {
  while (seen < wanted) {
    ASSERT_TRUE(reader.read(20s)) << seen << " of " << wanted;
    ++seen;
  }
}

TEST_F(EmbeddedLogTest, AnApplicationGoesOnAfterARestartOfTheProcess) {
  constexpr int kKeys = 7;
  int written = 0;
  for (int life = 0; life < 4; ++life) {
    EmbeddedLog log(directory);
    log.create_topic("lines", 3);
    log.create_topic("counts", 2);
    EmbeddedReader counts(log, kCounts);
    int seen = 0;
    Streams app(count_by_key(), {.application_id = "app",
                                 .embedded_log = &log,
                                 .commit_interval = 20ms,
                                 .logger = &null_logger()});
    app.start();
    EmbeddedWriter lines(log, kLines);
    for (int i = 0; i < 50; ++i, ++written) {
      lines.append("key " + std::to_string(written % kKeys), "", Timestamp(1ms * written));
      if (i % 10 == 9) lines.commit();
    }
    await_counts(counts, seen, written);
    // Now and then it is closed in order; else its end is in the middle of something.
    if (life % 2 == 0) {
      EXPECT_TRUE(app.close(20s));
    }
  }
  EmbeddedLog log(directory);
  const auto counts = counts_in(log);
  ASSERT_EQ(counts.size(), static_cast<std::size_t>(kKeys));
  for (int key = 0; key < kKeys; ++key) {
    const auto count = static_cast<std::size_t>((written - key + kKeys - 1) / kKeys);
    EXPECT_EQ(counts.at("key " + std::to_string(key)), up_to(count));
  }
}

TEST_F(EmbeddedLogTest, AnApplicationOpensItsDirectoryItself) {
  {
    EmbeddedLog log(directory);
    log.create_topic("lines", 1);
    log.create_topic("counts", 1);
    EmbeddedWriter lines(log, kLines);
    lines.append("a", "", {});
    lines.append("a", "", {});
    lines.commit();
  }
  {
    Streams app(count_by_key(), {.application_id = "app",
                                 .bootstrap_servers = "embedded://" + directory,
                                 .commit_interval = 20ms,
                                 .logger = &null_logger()});
    app.start();
    while (app.progress().records < 2) ASSERT_EQ(app.failure(), "");
    EXPECT_TRUE(app.close(20s));
  }
  EmbeddedLog log(directory);
  EXPECT_THAT(counts_in(log)["a"], ElementsAre(1, 2));
}

// Logged by any thread.
class KeptLines final : public Logger {
 public:
  void write(LogLevel, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    text_.append(message).append("\n");
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// Before each life the files of every task's state are damaged in another way.
TEST_F(EmbeddedLogTest, StoresThatAreDamagedAreSetAsideAndFilledAgain) {
  namespace fs = std::filesystem;
  const auto damage = [&](int life) {
    int damaged = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory + "/state")) {
      const std::string name = entry.path().filename().string();
      if (entry.path().string().find(".bad-") != std::string::npos) continue;
      const bool table = entry.path().extension() == ".sst";
      if (life == 1 && name == "CURRENT") {
        fs::remove(entry.path());
      } else if (life == 2 && name.starts_with("MANIFEST")) {
        fs::resize_file(entry.path(), 0);
      } else if (life == 3 && table) {
        std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary) << "damage";
      } else if (life == 4 && table) {
        // Found by the first read only: the process before was closed in order.
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(40);
        file << "damage";
      } else {
        continue;
      }
      ++damaged;
    }
    return damaged;
  };
  constexpr int kKeys = 7;
  int written = 0;
  KeptLines log_lines;
  for (int life = 0; life < 5; ++life) {
    if (life > 0) {
      EXPECT_GT(damage(life), 0) << life;
    }
    EmbeddedLog log(directory);
    log.create_topic("lines", 3);
    log.create_topic("counts", 2);
    EmbeddedReader counts(log, kCounts);
    int seen = 0;
    Streams app(count_by_key(), {.application_id = "app",
                                 .embedded_log = &log,
                                 .commit_interval = 20ms,
                                 .logger = &log_lines});
    app.start();
    EmbeddedWriter lines(log, kLines);
    for (int i = 0; i < 50; ++i, ++written) {
      lines.append("key " + std::to_string(written % kKeys), "", Timestamp(1ms * written));
      if (i % 10 == 9) lines.commit();
    }
    await_counts(counts, seen, written);
    EXPECT_TRUE(app.close(20s));
  }
  EmbeddedLog log(directory);
  const auto counts = counts_in(log);
  ASSERT_EQ(counts.size(), static_cast<std::size_t>(kKeys));
  for (int key = 0; key < kKeys; ++key) {
    const auto count = static_cast<std::size_t>((written - key + kKeys - 1) / kKeys);
    EXPECT_EQ(counts.at("key " + std::to_string(key)), up_to(count));
  }
  EXPECT_THAT(log_lines.text(),
              AllOf(HasSubstr("is damaged"), HasSubstr("CURRENT"), HasSubstr("MANIFEST"),
                    HasSubstr(".sst"), HasSubstr(".bad-"), HasSubstr("it is restored from")));
}

// A process that counts what it writes itself, until it is killed.
[[noreturn]] void run_until_killed(const std::string& directory) {
  try {
    EmbeddedLog log(directory, {}, &null_logger());
    log.create_topic("lines", 3);
    log.create_topic("counts", 2);
    Streams app(count_by_key(), {.application_id = "app",
                                 .embedded_log = &log,
                                 .commit_interval = 5ms,
                                 .logger = &null_logger()});
    app.start();
    EmbeddedWriter lines(log, kLines);
    for (int i = 0;; ++i) {
      lines.append("key " + std::to_string(i % 5), "", Timestamp(1ms * i));
      if (i % 3 == 0) lines.commit();
    }
  } catch (const std::exception&) {
    ::_exit(1);
  }
}

TEST_F(EmbeddedLogTest, EveryCountComesOnceHoweverOftenTheProcessIsKilled) {
  for (int life = 0; life < 5; ++life) {
    const pid_t pid = ::fork();
    if (pid == 0) run_until_killed(directory);
    ::usleep(static_cast<useconds_t>(150'000 + 70'000 * life));  // it gets somewhere else each time
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  EmbeddedLog log(directory);
  std::map<std::string, std::size_t> lines;
  int written = 0;
  for (const auto& record : read_all(log, kLines)) {
    ++lines[record.key];
    ++written;
  }
  ASSERT_GT(written, 0);
  {
    EmbeddedReader counts(log, kCounts);
    int seen = 0;
    Streams app(count_by_key(),
                {.application_id = "app", .embedded_log = &log, .logger = &null_logger()});
    app.start();
    await_counts(counts, seen, written);
    EXPECT_TRUE(app.close(20s));
  }
  const auto counts = counts_in(log);
  ASSERT_EQ(counts.size(), lines.size());
  for (const auto& [key, count] : lines) EXPECT_EQ(counts.at(key), up_to(count)) << key;
}

}  // namespace
}  // namespace millrace
