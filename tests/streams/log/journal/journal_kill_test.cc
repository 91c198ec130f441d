// The journal log under SIGKILL: a process of its own writes and says what was answered; what was
// answered is there afterwards, nothing is there twice, and nothing else is there but the last that
// nobody heard of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <random>
#include <thread>

#include "streams/log/journal/journal_client.h"
#include "support/temporary_directory.h"

namespace millrace::log::journal {
namespace {

constexpr int kProducers = 2;

struct Answered {
  std::int32_t producer;
  std::int32_t number;
};

// One producer in the child: transaction after transaction, two records each, with its number as the
// group's offset. Says each one that was answered. Never returns.
void produce(Log& log, std::int32_t producer, std::int32_t from, int say) {
  JournalClient client(log);
  const std::string id = "p" + std::to_string(producer);
  const auto out = client.producer(id);
  for (std::int32_t number = from;; ++number) {
    client.must(out->begin());
    const std::string value = std::to_string(producer) + ' ' + std::to_string(number);
    client.send(*out, {"a", Partition(0)}, value);
    client.send(*out, {"b", Partition(0)}, value);
    client.must(client.flush(*out));
    if (number % 7 == 3) {
      client.must(client.abort(*out));
    } else {
      client.must(client.commit(*out, {{{"a", Partition(0)}, Offset(number), ""}}, id));
    }
    const Answered answered{producer, number};
    if (::write(say, &answered, sizeof answered) != sizeof answered) ::_exit(1);
  }
}

[[noreturn]] void child(const JournalOptions& options, const std::vector<std::int32_t>& from,
                        int say) {
  try {
    const auto log = open_or_throw(options);
    std::vector<std::thread> threads;
    for (std::int32_t p = 0; p < kProducers; ++p) {
      threads.emplace_back([&, p] {
        try {
          produce(*log, p, from[static_cast<std::size_t>(p)], say);
        } catch (const std::exception&) {
          ::_exit(2);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  } catch (const std::exception&) {
  }
  ::_exit(3);
}

class JournalKillTest : public testing::TestWithParam<Sync> {};

TEST_P(JournalKillTest, WhatWasAnsweredIsThereOnce) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  TemporaryDirectory directory;
  const JournalOptions options{.directory = directory.path() / "journal",
                               .sync = GetParam(),
                               .sync_window = Duration(2),
                               .segment_bytes = 8192,
                               .cleaner_interval = Duration(3)};
  {
    const auto log = open_or_throw(options);
    JournalClient client(*log);
    client.create_topic("a", 1);
    client.create_topic("b", 1);
  }
  std::vector<std::int32_t> answered(kProducers, -1);
  std::vector<std::int32_t> from(kProducers, 0);
  for (int life = 0; life < 6; ++life) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t pid = ::fork();
    if (pid == 0) child(options, from, pipe[1]);
    ::close(pipe[1]);
    Answered one{};
    for (auto left = 1 + random() % 60; left > 0; --left) {
      ASSERT_EQ(::read(pipe[0], &one, sizeof one), static_cast<ssize_t>(sizeof one));
      answered[static_cast<std::size_t>(one.producer)] = one.number;
    }
    ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    while (::read(pipe[0], &one, sizeof one) == static_cast<ssize_t>(sizeof one))
      answered[static_cast<std::size_t>(one.producer)] = one.number;
    ::close(pipe[0]);

    const auto log = open_or_throw(options);
    JournalClient client(*log);
    std::vector<std::vector<std::int32_t>> numbers[2];
    for (std::size_t topic = 0; topic < 2; ++topic) {
      numbers[topic].resize(kProducers);
      for (const auto& [offset, value] : client.read({topic == 0 ? "a" : "b", Partition(0)})) {
        numbers[topic][static_cast<std::size_t>(value[0] - '0')].push_back(
            std::stoi(value.substr(2)));
      }
    }
    EXPECT_EQ(numbers[0], numbers[1]);  // both partitions, or neither
    for (std::size_t p = 0; p < kProducers; ++p) {
      const std::vector<std::int32_t>& seen = numbers[0][p];
      EXPECT_TRUE(std::ranges::is_sorted(seen));
      EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
      for (std::int32_t n = from[p]; n <= answered[p]; ++n)
        EXPECT_EQ(std::ranges::count(seen, n), n % 7 == 3 ? 0 : 1) << n;
      if (!seen.empty()) {
        EXPECT_LE(seen.back(), std::max(answered[p], from[p] - 1) + 1);
        // Offsets and records: of the same transaction.
        EXPECT_EQ(client.committed("p" + std::to_string(p), {"a", Partition(0)}).offset,
                  Offset(seen.back()));
      }
      from[p] = std::max(answered[p], seen.empty() ? -1 : seen.back()) + 1;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, JournalKillTest,
                         testing::Values(Sync::kCommit, Sync::kWindow, Sync::kOff));

}  // namespace
}  // namespace millrace::log::journal
