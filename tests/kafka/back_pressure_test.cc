// Not draining is the only back-pressure: it bounds memory and costs nothing afterwards.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace millrace::log
