// Not draining is the only back-pressure: it bounds memory and costs nothing afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "kafka/waiting.h"

namespace millrace::log {
namespace {

TEST(BackPressureTest, AFullQueueFetchesAgainAtOnce) {
  // A partition whose queue was full goes on when there is room, not a second later: 24 MB through
  // a queue of 1 MB take well under the 20 seconds that one fetch a second would.
  KafkaLog log({.bootstrap_servers = std::getenv("MILLRACE_TEST_BROKERS"),
                .properties = {{"consumer.queued.max.messages.kbytes", "1024"}}});
  Waiting waiting;
  const auto admin = log.make_admin(waiting.inbox);
  std::random_device seed;
  std::mt19937_64 random(7);
  const TopicPartition where{"pressure-" + std::to_string(seed()), Partition(0)};
  ASSERT_TRUE(waiting.create(*admin, where.topic).ok());
  std::string noise(1000, ' ');
  for (char& c : noise) c = static_cast<char>(random());

  const auto producer = log.make_producer({.transactional_id = where.topic}, waiting.inbox);
  ASSERT_TRUE(waiting.init(*producer).ok());
  ASSERT_TRUE(producer->begin().ok());
  constexpr std::size_t kRecords = 24'000;
  for (std::size_t i = 0; i < kRecords; ++i) {
    noise[i % noise.size()] = static_cast<char>(random());
    waiting.send(*producer, where, noise);
  }
  ASSERT_TRUE(waiting.flush(*producer).ok());
  ASSERT_TRUE(waiting.commit(*producer).ok());

  const Duration begin = SystemClock::instance().monotonic();
  EXPECT_EQ(waiting.read_all(log, *admin, where).size(), kRecords);
  EXPECT_LT(SystemClock::instance().monotonic() - begin, Duration(8000));
}

TEST(BackPressureTest, AFullProducerSaysSoAndLosesNothing) {
  // Without room send() takes nothing and says kFull; the inbox wakes when there is room again.
  KafkaLog log({.bootstrap_servers = std::getenv("MILLRACE_TEST_BROKERS"),
                .properties = {{"producer.queue.buffering.max.messages", "100"}}});
  Waiting waiting;
  const auto admin = log.make_admin(waiting.inbox);
  std::random_device seed;
  const TopicPartition where{"full-" + std::to_string(seed()), Partition(0)};
  ASSERT_TRUE(waiting.create(*admin, where.topic).ok());
  const auto producer = log.make_producer({.transactional_id = where.topic}, waiting.inbox);
  ASSERT_TRUE(waiting.init(*producer).ok());
  ASSERT_TRUE(producer->begin().ok());
  const SinkTopic sink = producer->topic(where.topic);
  std::vector<std::string> values;
  int full = 0;
  Duration longest{0};
  for (int i = 0; i < 3000; ++i) {
    values.push_back(std::to_string(i));
    while (producer->send(sink, where.partition,
                          {.value = values.back(), .timestamp = SystemClock::instance().now()}) ==
           SendResult::kFull) {
      ++full;
      const Duration begin = SystemClock::instance().monotonic();
      waiting.inbox.wait(Duration(10'000));
      longest = std::max(longest, SystemClock::instance().monotonic() - begin);
    }
  }
  EXPECT_GT(full, 0);
  EXPECT_LT(longest, Duration(5000)) << "nobody woke the inbox";
  ASSERT_TRUE(waiting.flush(*producer).ok());
  ASSERT_TRUE(waiting.commit(*producer).ok());
  EXPECT_EQ(waiting.read_all(log, *admin, where), values);
}

}  // namespace
}  // namespace millrace::log
