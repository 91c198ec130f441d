// The end of clients: nobody waits for it, and those that do not end are counted.
#include <gmock/gmock.h>

#include <cstdlib>
#include <random>

#include "kafka/waiting.h"

namespace millrace::log {
namespace {

std::string unique_topic() {
  std::random_device random;
  return "closing-" + std::to_string(random() % 1'000'000'000);
}

class ClosingTest : public testing::Test {
 protected:
  void make() {
    log_ = std::make_unique<KafkaLog>(
        KafkaLogOptions{.bootstrap_servers = std::getenv("MILLRACE_TEST_BROKERS")});
    admin_ = log_->make_admin(waiting_.inbox);
    ASSERT_TRUE(waiting_.create(*admin_, where_.topic).ok());
    const auto producer = log_->make_producer({.transactional_id = where_.topic}, waiting_.inbox);
    ASSERT_TRUE(waiting_.init(*producer).ok());
    ASSERT_TRUE(producer->begin().ok());
    waiting_.send(*producer, where_, "v");
    ASSERT_TRUE(waiting_.flush(*producer).ok());
    ASSERT_TRUE(waiting_.commit(*producer).ok());
  }
  // Effect: waits until no client is closing any more, or ten seconds passed.
  int settled() {
    for (int i = 0; i < 500 && log_->clients_closing(Duration(0)) > 0; ++i) {
      waiting_.inbox.wait(Duration(20));
    }
    return log_->clients_closing(Duration(0));
  }

  Waiting waiting_;
  const TopicPartition where_{unique_topic(), Partition(0)};
  std::unique_ptr<KafkaLog> log_;
  std::unique_ptr<LogAdmin> admin_;
};

TEST_F(ClosingTest, ABatchKeepsItsClientUntilItLetsGo) {
  // A client whose messages are still held counts as closing, and ends with the batch.
  make();
  auto reader = log_->make_reader({}, waiting_.inbox);
  const ReaderPartition index = reader->start(where_, Offset(0));
  RecordBatch batch;
  while (batch.empty()) {
    reader->drain(index, 10, batch);
    waiting_.inbox.wait(Duration(10));
  }
  EXPECT_EQ(settled(), 0);
  reader.reset();
  EXPECT_EQ(log_->clients_closing(Duration(0)), 1);
  EXPECT_EQ(batch[0].value, BytesView("v"));
  batch.clear();
  EXPECT_EQ(settled(), 0);
}

TEST_F(ClosingTest, AClientThatHangsIsAbandonedAndCounted) {
  // librdkafka hangs for good when a topic was deleted while it was read; the log does not.
  make();
  auto reader = log_->make_reader({}, waiting_.inbox);
  const ReaderPartition index = reader->start(where_, Offset(0));
  RecordBatch batch;
  while (batch.empty()) {
    reader->drain(index, 10, batch);
    waiting_.inbox.wait(Duration(10));
  }
  batch.clear();
  const OperationId id = waiting_.next_id();
  admin_->submit_delete_topics(id, {where_.topic});
  ASSERT_TRUE(waiting_.wait(id).status.ok());
  const Duration until = SystemClock::instance().monotonic() + Duration(3000);
  while (SystemClock::instance().monotonic() < until) {
    reader->drain(index, 10, batch);
    waiting_.inbox.wait(Duration(50));
  }
  const Duration begin = SystemClock::instance().monotonic();
  reader.reset();
  EXPECT_LT(SystemClock::instance().monotonic() - begin, Duration(100));
  waiting_.inbox.wait(Duration(300));
  // Newer versions end; where it hangs it is counted, and the log's own end is bounded.
  EXPECT_LE(log_->clients_closing(Duration(200)), 1);
  admin_.reset();
  log_.reset();
  EXPECT_LT(SystemClock::instance().monotonic() - begin, Duration(4000));
}

}  // namespace
}  // namespace millrace::log
