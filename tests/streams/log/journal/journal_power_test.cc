// The journal log on disks that fail: power cuts and failing syncs at any moment, and full disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "streams/log/journal/journal_client.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

constexpr std::size_t kProducers = 3;
const TopicPartition kA{"a", Partition(0)};
const TopicPartition kB{"b", Partition(0)};

class CountingLogger final : public Logger {
 public:
  void write(LogLevel level, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    if (level == LogLevel::kWarning) warnings_.emplace_back(message);
    if (level == LogLevel::kInfo) infos_.emplace_back(message);
  }
  std::vector<std::string> warnings() const {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }
  std::vector<std::string> infos() const {
    const std::lock_guard lock(mutex_);
    return infos_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> warnings_;  // guarded by mutex_
  std::vector<std::string> infos_;     // guarded by mutex_
};

JournalOptions options() { return {.directory = "/journal", .segment_bytes = 2000}; }
JournalOptions cleaned_often() {
  JournalOptions often = options();
  often.cleaner_interval = Duration(2);
  return often;
}

// Transactions with one record in each topic and the number as the group's offset, until one fails.
// Returns the number of the last that was answered, or from - 1.
std::int32_t produce(Log& log, std::size_t producer, std::int32_t from, int how_many) {
  std::int32_t answered = from - 1;
  try {
    JournalClient client(log);
    const std::string id = "p" + std::to_string(producer);
    const auto out = client.producer(id);
    for (std::int32_t number = from; number < from + how_many; ++number) {
      client.must(out->begin());
      const std::string value = std::to_string(producer) + ' ' + std::to_string(number);
      client.send(*out, kA, value);
      client.send(*out, kB, value);
      client.must(client.flush(*out));
      if (number % 5 == 2) {
        client.must(client.abort(*out));
      } else {
        client.must(client.commit(*out, {{kA, Offset(number), ""}}, id));
      }
      answered = number;
    }
  } catch (const std::runtime_error&) {  // the journal has stopped
  }
  return answered;
}

// The committed numbers of each producer in a topic.
std::vector<std::vector<std::int32_t>> numbers_in(JournalClient& client,
                                                  const TopicPartition& where) {
  std::vector<std::vector<std::int32_t>> numbers(kProducers);
  for (const auto& [offset, value] : client.read(where))
    numbers[static_cast<std::size_t>(value[0] - '0')].push_back(std::stoi(value.substr(2)));
  return numbers;
}

TEST(JournalPowerTest, NothingWhoseCompletionWasSeenIsLost) {
  const std::uint64_t first_seed = std::random_device()();
  int cut_at_work = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    SimulatedFileSystem files(seed);
    const JournalLog::Surroundings surroundings{.files = files};
    {
      const auto log = open_or_throw(cleaned_often(), surroundings);
      JournalClient client(*log);
      client.create_topic("a", 1);
      client.create_topic("b", 1);
    }
    std::vector<std::int32_t> from(kProducers, 0);
    for (int life = 0; life < 3; ++life) {
      std::vector<std::int32_t> answered(kProducers);
      {
        const auto log = open_or_throw(cleaned_often(), surroundings);
        if (random() % 4 == 0) {
          files.fail_sync_in(static_cast<int>(1 + random() % 10));
        }
        files.cut_power_in(static_cast<int>(1 + random() % 120));
        {
          std::vector<std::jthread> producers;
          for (std::size_t p = 0; p < kProducers; ++p)
            producers.emplace_back([&, p] { answered[p] = produce(*log, p, from[p], 20); });
        }
        cut_at_work += files.off() ? 1 : 0;
        files.cut_power();
      }
      files.restart();
      const auto log = open_or_throw(cleaned_often(), surroundings);
      JournalClient client(*log);
      const auto numbers = numbers_in(client, kA);
      EXPECT_EQ(numbers, numbers_in(client, kB));  // both topics, or neither
      for (std::size_t p = 0; p < kProducers; ++p) {
        const std::vector<std::int32_t>& seen = numbers[p];
        EXPECT_TRUE(std::ranges::is_sorted(seen));
        EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
        for (std::int32_t n = from[p]; n <= answered[p]; ++n)
          EXPECT_EQ(std::ranges::count(seen, n), n % 5 == 2 ? 0 : 1) << n;
        const std::int32_t last = seen.empty() ? -1 : seen.back();
        EXPECT_LE(last, std::max(answered[p], from[p] - 1) + 1);
        if (last >= 0) {
          EXPECT_EQ(client.committed("p" + std::to_string(p), kA).offset, Offset(last));
        }
        from[p] = std::max(answered[p], last) + 1;
      }
    }
  }
  EXPECT_GT(cut_at_work, 20);
}

TEST(JournalPowerTest, AFullDiskDelaysAndLosesNothing) {
  // Wherever in a transaction, a new segment or a topic the room ends: operations wait, it is said once,
  // and all goes on when there is room.
  int stopped = 0;
  for (std::uint64_t room = 0; room < 4000; room += 270) {
    SCOPED_TRACE("room " + std::to_string(room));
    SimulatedFileSystem files(room);
    CountingLogger logger;
    const JournalLog::Surroundings surroundings{.files = files, .logger = logger};
    std::uint64_t used = 0;
    {
      const auto log = open_or_throw(options(), surroundings);
      JournalClient client(*log);
      client.create_topic("a", 1);
      client.create_topic("b", 1);
      for (const auto& [path, content] : files.contents()) used += content.size();
      files.set_room(used + room);
      std::vector<std::int32_t> answered(kProducers);
      {
        std::atomic<int> running = kProducers;
        std::vector<std::jthread> producers;
        for (std::size_t p = 0; p < kProducers; ++p) {
          producers.emplace_back([&, p] {
            answered[p] = produce(*log, p, 0, 15);
            --running;
          });
        }
        while (running > 0 && logger.warnings().empty()) client.inbox().wait(Duration(1));
        stopped += logger.warnings().empty() ? 0 : 1;
        files.set_room(std::nullopt);
      }
      EXPECT_EQ(answered, std::vector<std::int32_t>(kProducers, 14));
      client.create_topic("c", 1);
    }
    EXPECT_EQ(logger.warnings().size(), logger.infos().size());
    EXPECT_LE(logger.warnings().size(), 1u);
    const auto log = open_or_throw(options(), surroundings);
    JournalClient client(*log);
    const auto numbers = numbers_in(client, kA);
    EXPECT_EQ(numbers, numbers_in(client, kB));
    for (const std::vector<std::int32_t>& seen : numbers) EXPECT_EQ(seen.size(), 12u);
  }
  EXPECT_GT(stopped, 10);
}

}  // namespace
}  // namespace millrace::log::journal
