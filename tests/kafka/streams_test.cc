// The whole engine on a real broker, which is killed on the way.
#include <gtest/gtest.h>
#include <millrace/dsl.h>
#include <millrace/streams.h>

#include <csignal>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kafka/kafka_topics.h"
#include "kafka/own_broker.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

using kafka_test::Row;
using namespace std::chrono_literals;

class Messages final : public Logger {
 public:
  void write(LogLevel, std::string_view message) override {
    const std::lock_guard lock(mutex_);
    text_.append(message).push_back('\n');
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// Counts per key behind a repartition topic: two sub-topologies, state, a changelog.
Topology counting(const std::string& in, const std::string& out) {
  StreamsBuilder builder;
  builder.stream<std::string, std::string>(in)
      .group_by("by-value", [](const std::string& value) { return value; })
      .count("counts")
      .to_stream()
      .to(out);
  return builder.build();
}

std::vector<Row> some_rows(int count, int first = 0) {
  std::vector<Row> rows;
  for (int i = first; i < first + count; ++i) {
    rows.push_back(
        {"k" + std::to_string(i), "v" + std::to_string(i % 17), Timestamp(Duration(1'000 + i))});
  }
  return rows;
}

class StreamsOnKafka : public testing::Test {
 protected:
  static void SetUpTestSuite() { broker_ = std::make_unique<kafka_test::OwnBroker>(); }
  static void TearDownTestSuite() { broker_.reset(); }

  void SetUp() override {
    name_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    topics_ = std::make_unique<kafka_test::KafkaTopics>(broker_->servers());
    topics_->create(name_ + "-in", 4);
    topics_->create(name_ + "-out", 2);
  }

  StreamsConfig config() {
    return {.application_id = name_,
            .bootstrap_servers = broker_->servers(),
            .transaction_timeout = 5s,
            .logger = &messages_};
  }
  std::unique_ptr<Streams> start(int threads = 1, std::string state_dir = {}) {
    StreamsConfig wanted = config();
    wanted.num_stream_threads = threads;
    wanted.state_dir = std::move(state_dir);
    auto app = std::make_unique<Streams>(counting(name_ + "-in", name_ + "-out"), wanted);
    app->start();
    return app;
  }

  // Exactly once, seen from outside: each key's committed results are 1, 2, 3, … without a gap or a
  // repetition, up to as many as were put in.
  void expect_counts(int records) {
    std::map<Bytes, std::int64_t> counts;
    for (const Row& row : topics_->read(name_ + "-out")) {
      std::int64_t n = 0;
      ASSERT_TRUE(row.value);
      Serde<std::int64_t>{}.deserialize(*row.value, n);
      ASSERT_EQ(n, counts[row.key] + 1) << "of " << row.key;
      counts[row.key] = n;
    }
    std::int64_t sum = 0;
    for (const auto& [key, n] : counts) sum += n;
    EXPECT_EQ(sum, records);
  }
  std::size_t results() { return topics_->read(name_ + "-out").size(); }
  void wait_for_results(std::size_t wanted, const Streams& app) {
    const Duration until = SystemClock::instance().monotonic() + 60s;
    while (results() < wanted) {
      ASSERT_TRUE(is_running_or_rebalancing(app.state())) << app.failure();
      ASSERT_LT(SystemClock::instance().monotonic(), until) << wanted << '\n' << messages_.text();
    }
  }

  void TearDown() override {
    if (HasFailure()) std::cerr << messages_.text();
  }

  static inline std::unique_ptr<kafka_test::OwnBroker> broker_;
  std::string name_;
  Messages messages_;
  std::unique_ptr<kafka_test::KafkaTopics> topics_;
};

// What is put in comes out once, across an orderly end and a start that takes state from the
// changelog.
TEST_F(StreamsOnKafka, EndsAndGoesOnExactlyOnce) {
  topics_->produce(name_ + "-in", some_rows(2'000));
  auto app = start();
  wait_for_results(2'000, *app);
  EXPECT_TRUE(app->close(30s));
  EXPECT_EQ(app->state(), Streams::State::kClosed);
  app.reset();
  topics_->produce(name_ + "-in", some_rows(1'000, 2'000));
  app = start();
  wait_for_results(3'000, *app);
  EXPECT_TRUE(app->close(30s));
  expect_counts(3'000);
}

// A broker that dies in the middle of transactions, twice, loses nothing and doubles nothing.
TEST_F(StreamsOnKafka, OutlivesABrokerKilledInMidTransaction) {
  auto app = start();
  int produced = 0;
  for (int kill = 0; kill < 2; ++kill) {
    topics_->produce(name_ + "-in", some_rows(10'000, produced));
    wait_for_results(static_cast<std::size_t>(produced) + 1, *app);
    produced += 10'000;
    broker_->kill();
    broker_->restart();
  }
  topics_->produce(name_ + "-in", some_rows(1'000, produced));
  produced += 1'000;
  wait_for_results(static_cast<std::size_t>(produced), *app);
  EXPECT_TRUE(app->close(30s));
  expect_counts(produced);
}

// Threads that come and go lose nothing and double nothing.
TEST_F(StreamsOnKafka, ThreadsThatComeAndGoCountEachRecordOnce) {
  auto app = start(3);
  int produced = 0;
  for (int round = 0; round < 6; ++round) {
    topics_->produce(name_ + "-in", some_rows(1'000, produced));
    wait_for_results(static_cast<std::size_t>(produced) + 1, *app);
    produced += 1'000;
    if (round % 2 == 0) {
      EXPECT_TRUE(app->add_thread());
    } else {
      app->remove_thread();
    }
  }
  wait_for_results(static_cast<std::size_t>(produced), *app);
  EXPECT_TRUE(app->close(60s));
  expect_counts(produced);
}

// Runs the application until SIGTERM has come to this thread.
class StreamsOnKafkaSignalled : public StreamsOnKafka {
 protected:
  void SetUp() override {
    StreamsOnKafka::SetUp();
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  void TearDown() override {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    StreamsOnKafka::TearDown();
  }
  static void signal(pthread_t to) { pthread_kill(to, SIGTERM); }
  sigset_t before_{};
};

TEST_F(StreamsOnKafkaSignalled, EndsWithZeroWhenAllIsCommitted) {
  topics_->produce(name_ + "-in", some_rows(500));
  Streams app(counting(name_ + "-in", name_ + "-out"), config());
  std::thread who([this, &app, runner = pthread_self()] {
    wait_for_results(500, app);
    signal(runner);
  });
  EXPECT_EQ(app.run(), 0);
  who.join();
  expect_counts(500);
}

// Without a broker nothing can be committed: a second signal does not wait for it, the exit code and
// the log tell.
TEST_F(StreamsOnKafkaSignalled, EndsWithOneAndSaysWhatIsOpen) {
  topics_->produce(name_ + "-in", some_rows(500));
  StreamsConfig wanted = config();
  wanted.commit_interval = 4s;  // so that something is open
  Streams app(counting(name_ + "-in", name_ + "-out"), wanted);
  std::thread who([this, &app, runner = pthread_self()] {
    while (app.progress().records < 500 && app.state() != Streams::State::kFailed) {
      std::this_thread::yield();
    }
    broker_->kill();
    signal(runner);
    while (app.state() != Streams::State::kClosing && app.state() != Streams::State::kFailed) {
      std::this_thread::yield();
    }
    signal(runner);
  });
  EXPECT_EQ(app.run(), 1);
  who.join();
  EXPECT_NE(messages_.text().find("thread " + name_ + "-1 is Closing"), std::string::npos);
  broker_->restart();
}

// An unknown input topic is one clear message, and nothing is made or read.
TEST_F(StreamsOnKafka, SaysWhichTopicIsMissing) {
  Streams app(counting("no-such-topic", name_ + "-out"), config());
  app.start();
  const Duration until = SystemClock::instance().monotonic() + 30s;
  while (app.state() != Streams::State::kFailed && SystemClock::instance().monotonic() < until) {
  }
  EXPECT_EQ(app.state(), Streams::State::kFailed);
  EXPECT_NE(app.failure().find("no-such-topic"), std::string::npos) << app.failure();
}

// Two processes with the same application id do not share the work silently: at least one stops and
// says why, and what was committed by either is exact.
TEST_F(StreamsOnKafka, StopsWhereTwoProcessesShareAnId) {
  // As on two machines: on one they would meet at the state directory.
  const TemporaryDirectory elsewhere;
  auto first = start();
  auto second = start(1, elsewhere.path());
  int produced = 0;
  const Duration until = SystemClock::instance().monotonic() + 60s;
  while (is_running_or_rebalancing(first->state()) && is_running_or_rebalancing(second->state())) {
    ASSERT_LT(SystemClock::instance().monotonic(), until);
    topics_->produce(name_ + "-in", some_rows(50, produced));
    produced += 50;
  }
  const Streams& stopped = is_running_or_rebalancing(first->state()) ? *second : *first;
  EXPECT_NE(stopped.failure().find("same application.id"), std::string::npos) << stopped.failure();
  first.reset();
  second.reset();
  auto third = start();
  wait_for_results(static_cast<std::size_t>(produced), *third);
  EXPECT_TRUE(third->close(30s));
  expect_counts(produced);
}

// No broker at all: one message that names the address, within the time that was asked for.
TEST(StreamsWithoutKafka, SaysThatNoBrokerAnswers) {
  Messages messages;
  Streams app(counting("in", "out"), {.application_id = "nobody-there",
                                      .bootstrap_servers = "127.0.0.1:1",
                                      .default_api_timeout = 1s,
                                      .logger = &messages});
  app.start();
  const Duration until = SystemClock::instance().monotonic() + 60s;
  while (app.state() != Streams::State::kFailed && SystemClock::instance().monotonic() < until) {
  }
  EXPECT_EQ(app.state(), Streams::State::kFailed);
  EXPECT_NE(app.failure().find("127.0.0.1:1"), std::string::npos) << app.failure();
}

}  // namespace
}  // namespace millrace
