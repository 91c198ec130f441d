// Several threads of one application, for real: on the embedded log, with real clocks. What comes out
// is exact whatever the threads do; nothing here waits for a certain time, only for what must come.
#include "client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <millrace/dsl.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kafka/kafka_topics.h"
#include "log/journal/journal_log.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

using kafka_test::LogTopics;
using kafka_test::Row;
using State = Client::State;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Counts per key; the value "bad" throws while `throws` says so.
Topology counting(std::atomic<bool>* throws) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>("in")
      .map_values([throws](const std::string& value) {
        if (value == "bad" && *throws) throw std::runtime_error("as told");
        return value;
      })
      .group_by_key()
      .count("counts")
      .to_stream()
      .to("out");
  return builder.build();
}

class RestoresHeard final : public RestoreListener {
 public:
  void on_start(const Restore& restore) override { note("start", restore, 0); }
  void on_batch(const Restore& restore, std::int64_t records) override {
    note("batch", restore, records);
    throw std::runtime_error("a listener's mistake changes nothing");
  }
  void on_end(const Restore& restore) override { note("end", restore, 0); }
  void on_suspended(const Restore& restore) override { note("suspended", restore, 0); }

  struct Heard {
    int starts = 0;
    int ends = 0;  // and suspensions
    std::int64_t records = 0;
    Restore last;
  };
  std::map<std::int32_t, Heard> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void note(const std::string& what, const Restore& restore, std::int64_t records) {
    const std::lock_guard lock(mutex_);
    Heard& heard = heard_[restore.changelog.partition.value()];
    EXPECT_EQ(restore.store, "counts");
    EXPECT_LE(restore.restored, restore.total);
    heard.starts += what == "start";
    heard.ends += what == "end" || what == "suspended";
    heard.records += records;
    heard.last = restore;
  }
  mutable std::mutex mutex_;
  std::map<std::int32_t, Heard> heard_;
};

class ClosingRestoreListener final : public RestoreListener {
 public:
  explicit ClosingRestoreListener(std::function<void()> close) : close_(std::move(close)) {}
  void on_start(const Restore&) override { close_(); }

 private:
  const std::function<void()> close_;
};

class ClientTest : public testing::Test {
 protected:
  static constexpr int kPartitions = 6;

  ClientTest() {
    topics_.create("in", kPartitions);
    topics_.create("out", 1);
  }

  std::unique_ptr<Client> make(int threads) {
    ClientOptions options;
    options.threads = threads;
    options.worker.application_id = "app";
    options.worker.commit_interval = 20ms;
    options.worker.errors.uncaught = [this](const std::exception&) {
      if (on_failure_) on_failure_();
      return ++failures_ <= replacements_ ? UncaughtAction::kReplaceThread
                                          : UncaughtAction::kStopClient;
    };
    return std::make_unique<Client>(
        std::move(options),
        Client::Parts{topology_.graph(), *log_, SystemClock::instance(), null_logger()});
  }

  void put(int count, const std::string& value = "good") {
    std::vector<Row> rows;
    for (int i = 0; i < count; ++i) {
      rows.push_back({"k" + std::to_string(put_ % 23), value, Timestamp(Duration(put_))});
      ++put_;
    }
    topics_.produce("in", rows);
  }
  // Each key's committed counts are 1, 2, 3, … and they are as many as records were put in.
  void expect_exact() {
    std::map<Bytes, std::int64_t> counts;
    std::int64_t sum = 0;
    for (const Row& row : topics_.read("out")) {
      std::int64_t n = 0;
      Serde<std::int64_t>{}.deserialize(row.value.value(), n);
      ASSERT_EQ(n, ++counts[row.key]) << "of " << row.key;
      ++sum;
    }
    EXPECT_EQ(sum, put_);
  }
  void wait_for_results(const Client& client) {
    wait(client, [&] { return static_cast<int>(topics_.read("out").size()) >= put_; });
  }
  void wait_for(const Client& client, State state) {
    wait(client, [&] { return client.state() == state; });
  }
  static void wait(const Client& client, const std::function<bool()>& condition) {
    const Duration until = SystemClock::instance().monotonic() + 120s;
    while (!condition()) {
      ASSERT_LT(SystemClock::instance().monotonic(), until)
          << to_string(client.state()) << ' ' << client.failure() << ' ' << client.still_open();
      std::this_thread::yield();
    }
  }
  static std::unique_ptr<log::Log> open(const TemporaryDirectory& directory) {
    auto opened = log::journal::JournalLog::open({.directory = directory.path() / "journal"});
    if (!opened.ok()) throw std::runtime_error(opened.status().message());
    return std::move(opened.value());
  }

  std::atomic<bool> throws_{true};
  const Topology topology_ = counting(&throws_);
  TemporaryDirectory directory_;
  std::unique_ptr<log::Log> log_ = open(directory_);
  LogTopics topics_{*log_};
  int put_ = 0;
  std::atomic<int> failures_{0};
  int replacements_ = 0;
  std::function<void()> on_failure_;  // on the thread that failed
};

TEST_F(ClientTest, ThreadsThatComeAndGoCountEachRecordOnce) {
  auto client = make(3);
  client->start();
  wait_for(*client, State::kRunning);
  for (int round = 0; round < 6; ++round) {
    put(500);
    if (round % 3 == 0) {
      EXPECT_TRUE(client->add_thread());
    }
    if (round % 3 == 1) {
      EXPECT_TRUE(client->remove_thread());
    }
    if (round % 3 == 2) wait_for_results(*client);
  }
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s)) << client->still_open();
  EXPECT_EQ(client->state(), State::kClosed);
  EXPECT_GE(client->progress().records, put_);
  expect_exact();
}

TEST_F(ClientTest, ThreadsHaveStableNamesAndTheLastOneStays) {
  auto client = make(1);
  EXPECT_EQ(client->add_thread(), std::nullopt) << "not started";
  client->start();
  wait_for(*client, State::kRunning);
  EXPECT_EQ(client->remove_thread(), std::nullopt) << "the last one";
  EXPECT_EQ(client->add_thread(), "app-2");
  EXPECT_EQ(client->remove_thread(), "app-2");
  EXPECT_EQ(client->remove_thread(), std::nullopt);
  wait(*client, [&] { return client->still_open().find("app-2") == std::string::npos; });
  EXPECT_EQ(client->add_thread(), "app-2") << "its number is free again";
  EXPECT_TRUE(client->close(60s));
  EXPECT_EQ(client->add_thread(), std::nullopt);
  EXPECT_EQ(client->remove_thread(), std::nullopt);
}

TEST_F(ClientTest, PausedItTakesNothingAndGoesOnWhereItWas) {
  auto client = make(2);
  client->start();
  put(100);
  wait_for_results(*client);
  client->set_paused(true);
  EXPECT_TRUE(client->paused());
  // A thread that is added while paused is paused, and a rebalance goes through.
  ASSERT_TRUE(client->add_thread());
  wait_for(*client, State::kRunning);
  const std::int64_t taken = client->progress().records;
  for (int i = 0; i < 10; ++i) put(10);
  EXPECT_EQ(client->progress().records, taken);
  client->set_paused(false);
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s));
  expect_exact();
}

TEST_F(ClientTest, StatesAreToldInOrder) {
  auto client = make(2);
  std::vector<std::string> heard;
  client->on_state_change([&](State now, State before) {
    heard.push_back(std::string(to_string(before)) + " " + std::string(to_string(now)));
    if (now == State::kClosed) throw std::runtime_error("a listener's mistake changes nothing");
  });
  client->start();
  EXPECT_THROW(client->on_state_change({}), StoppedError);
  EXPECT_THROW(client->start(), StoppedError);
  wait_for(*client, State::kRunning);
  EXPECT_TRUE(client->close(60s));
  EXPECT_THAT(heard, ElementsAre("Created Rebalancing", "Rebalancing Running", "Running Closing",
                                 "Closing Closed"));
}

TEST_F(ClientTest, AListenerMayAskForTheEnd) {
  auto client = make(2);
  client->on_state_change([&](State now, State) {
    if (now == State::kRunning) {
      EXPECT_FALSE(client->close(0ms));
    }
  });
  client->start();
  wait_for(*client, State::kClosed);
}

// Who runs on one of the threads would wait for itself.
TEST_F(ClientTest, WhoClosesOnAThreadOfItsAsksAndDoesNotWait) {
  std::unique_ptr<Client> client = make(2);
  std::atomic<int> calls{0};
  const auto close = [&] {
    const Duration began = SystemClock::instance().monotonic();
    EXPECT_FALSE(client->close(20s));
    EXPECT_LT(SystemClock::instance().monotonic() - began, 10s);
    ++calls;
  };
  const auto expect_closed = [&] {
    client->start();
    wait_for(*client, State::kClosed);
    EXPECT_GT(calls, 0);
    calls = 0;
  };
  client->on_state_change([&](State now, State) {
    if (now == State::kRunning) close();
  });
  expect_closed();

  client = make(2);  // so that there is something to restore
  client->start();
  put(20);
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s));
  client = make(2);
  ClosingRestoreListener restores(close);
  client->on_restore(restores);
  expect_closed();

  client = make(2);
  on_failure_ = close;
  put(1, "bad");
  client->start();
  wait_for(*client, State::kFailed);  // as the handler says in the end
  EXPECT_GT(calls, 0);
}

// Nobody waits for ever, nothing is counted twice, and what is asked after the end is refused.
TEST_F(ClientTest, ThreadsMayComeAndGoWhileItCloses) {
  for (int round = 0; round < 8; ++round) {
    auto client = make(2);
    client->start();
    wait_for(*client, State::kRunning);
    put(50);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
      callers.emplace_back([&, caller] {
        while (is_running_or_rebalancing(client->state())) {
          if (caller == 0) client->add_thread();
          if (caller == 1) client->remove_thread();
          client->set_paused(false);
          static_cast<void>(client->progress());
          static_cast<void>(client->still_open());
        }
      });
    }
    wait(*client, [&] { return client->progress().records > 0; });
    std::thread second([&] { EXPECT_TRUE(client->close(60s)); });
    EXPECT_TRUE(client->close(60s)) << client->still_open();
    second.join();
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(client->state(), State::kClosed) << client->failure();
    EXPECT_EQ(client->add_thread(), std::nullopt);
  }
  auto client = make(1);
  client->start();
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s));
  expect_exact();
}

TEST_F(ClientTest, ClosedBeforeItWasStartedItIsOver) {
  auto client = make(2);
  EXPECT_TRUE(client->close(0ms));
  EXPECT_EQ(client->state(), State::kClosed);
  EXPECT_THROW(client->start(), StoppedError);
}

TEST_F(ClientTest, RestoresAreToldFromStartToEnd) {
  auto client = make(2);
  client->start();
  put(300);
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s));
  client = make(3);
  RestoresHeard restores;
  client->on_restore(restores);
  client->start();
  put(50);
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s));
  client.reset();
  std::int64_t records = 0;
  for (const auto& [partition, heard] : restores.heard()) {
    EXPECT_EQ(heard.starts, heard.ends) << partition;
    records += heard.records;
  }
  EXPECT_EQ(restores.heard().size(), std::size_t{kPartitions});
  EXPECT_GE(records, 23) << "each key's last count at least";
  expect_exact();
}

TEST_F(ClientTest, AReplacedThreadGoesOnWhereTheFailedOneStopped) {
  replacements_ = 1'000;
  auto client = make(3);
  client->start();
  put(200);
  put(1, "bad");
  wait(*client, [&] { return failures_ >= 2; });
  throws_ = false;
  wait_for_results(*client);
  EXPECT_TRUE(is_running_or_rebalancing(client->state())) << client->failure();
  EXPECT_TRUE(client->close(60s));
  expect_exact();
}

TEST_F(ClientTest, AFailureEndsAllThreadsAndSaysWhy) {
  auto client = make(3);
  std::vector<State> heard;
  client->on_state_change([&](State now, State) { heard.push_back(now); });
  client->start();
  put(200);
  put(1, "bad");
  wait_for(*client, State::kFailed);
  EXPECT_THAT(client->failure(), HasSubstr("as told"));
  EXPECT_EQ(client->still_open(), "");
  EXPECT_TRUE(client->close(0ms)) << "it is over";
  EXPECT_EQ(client->state(), State::kFailed);
  EXPECT_THAT(heard, testing::IsSupersetOf({State::kFailing, State::kFailed}));
  throws_ = false;
  client = make(2);
  client->start();
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s));
  expect_exact();
}

TEST_F(ClientTest, WhatIsGivenUpIsReadAgain) {
  auto client = make(3);
  client->start();
  put(500);
  wait(*client, [&] { return client->progress().commits > 0; });
  client.reset();
  client = make(3);
  client->start();
  wait_for_results(*client);
  EXPECT_TRUE(client->close(60s));
  expect_exact();
}

// No broker: the end comes all the same, and it is said what was open.
TEST(ClientWithoutBroker, EndsWithinItsBound) {
  std::atomic<bool> throws{false};
  const Topology topology = counting(&throws);
  log::KafkaLog log({.bootstrap_servers = "127.0.0.1:1"});
  ClientOptions options;
  options.threads = 2;
  options.worker.application_id = "app";
  Client client(std::move(options),
                {topology.graph(), log, SystemClock::instance(), null_logger()});
  client.start();
  EXPECT_THAT(client.still_open(), HasSubstr("thread app-1 is Starting"));
  EXPECT_THAT(client.still_open(), HasSubstr("thread app-2 is Starting"));
  EXPECT_TRUE(client.close(60s));
  EXPECT_EQ(client.state(), State::kClosed);
}

}  // namespace
}  // namespace millrace
