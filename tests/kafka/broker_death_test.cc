// A broker that dies in mid-transaction, and comes back. Runs a broker of its own.
#include <gmock/gmock.h>

#include <memory>

#include "kafka/own_broker.h"
#include "kafka/waiting.h"

namespace millrace::log {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;

class BrokerDeathTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { broker_ = std::make_unique<kafka_test::OwnBroker>(); }
  static void TearDownTestSuite() { broker_.reset(); }

  void SetUp() override {
    log_ = std::make_unique<KafkaLog>(KafkaLogOptions{.bootstrap_servers = broker_->servers(),
                                                      .operation_deadline = Duration(3000)});
    admin_ = log_->make_admin(waiting_.inbox);
    where_ = {testing::UnitTest::GetInstance()->current_test_info()->name(), Partition(0)};
    ASSERT_TRUE(waiting_.create(*admin_, where_.topic).ok());
  }

  std::unique_ptr<LogProducer> make_producer() {
    return log_->make_producer(
        {.transactional_id = where_.topic + "-producer", .transaction_timeout = Duration(4000)},
        waiting_.inbox);
  }

  // Effect: makes a producer and initializes it, as often as it takes while the broker comes back.
  std::unique_ptr<LogProducer> successor() {
    for (int i = 0; i < 20; ++i) {
      auto producer = make_producer();
      if (waiting_.init(*producer).ok()) return producer;
    }
    throw std::runtime_error("init never succeeded");
  }

  static std::unique_ptr<kafka_test::OwnBroker> broker_;
  std::unique_ptr<KafkaLog> log_;
  Waiting waiting_;
  std::unique_ptr<LogAdmin> admin_;
  TopicPartition where_;
};

std::unique_ptr<kafka_test::OwnBroker> BrokerDeathTest::broker_;

TEST_F(BrokerDeathTest, ACommitThatLosesItsBrokerIsUnknownAndSettledByInit) {
  // The commit says "unknown", the next init of the id settles it: the record is there or it is not,
  // for good, and a new transaction works. (The order to commit waits in the dying client, which may
  // still hand it over when the broker is back.)
  auto producer = make_producer();
  ASSERT_TRUE(waiting_.init(*producer).ok());
  ASSERT_TRUE(producer->begin().ok());
  waiting_.send(*producer, where_, "lost");
  ASSERT_TRUE(waiting_.flush(*producer).ok());
  broker_->kill();
  const Status status = waiting_.commit(*producer);
  EXPECT_EQ(status.consequence(), Consequence::kUnknown) << status.message();
  EXPECT_EQ(producer->begin().consequence(), Consequence::kFenced);
  broker_->restart();

  producer = successor();
  EXPECT_EQ(waiting_.committed(*admin_, "group", where_).offset, kNoOffset);
  ASSERT_TRUE(producer->begin().ok());
  waiting_.send(*producer, where_, "kept");
  ASSERT_TRUE(waiting_.flush(*producer).ok());
  ASSERT_TRUE(waiting_.commit(*producer, {{where_, Offset(1), ""}}, {.group = "group"}).ok());
  EXPECT_EQ(waiting_.committed(*admin_, "group", where_).offset, Offset(1));
  EXPECT_THAT(waiting_.read_all(*log_, *admin_, where_),
              AnyOf(ElementsAre("kept"), ElementsAre("lost", "kept")));
}

TEST_F(BrokerDeathTest, RecordsThatLoseTheirBrokerFailTheFlush) {
  // Records that were not delivered before the transaction's time is over: kAbort, told with the
  // address.
  auto producer = make_producer();
  ASSERT_TRUE(waiting_.init(*producer).ok());
  ASSERT_TRUE(producer->begin().ok());
  waiting_.send(*producer, where_, "one");
  ASSERT_TRUE(waiting_.flush(*producer).ok());
  broker_->kill();
  waiting_.send(*producer, where_, "two");
  const Status status = waiting_.flush(*producer);
  EXPECT_EQ(status.consequence(), Consequence::kAbort) << status.message();
  EXPECT_NE(status.message().find("127.0.0.1"), std::string::npos) << status.message();
  EXPECT_FALSE(waiting_.abort(*producer).ok());
  producer.reset();
  broker_->restart();
  producer = successor();
  // Not up to the log's end: a broker that is killed may forget to mark the aborted record, which
  // then holds readers back for good. Nothing is shown either way.
  EXPECT_THAT(waiting_.read_to_stable_end(*log_, where_), IsEmpty());
}

TEST_F(BrokerDeathTest, AReaderGoesOnWhenTheBrokerIsBack) {
  // A reader waits a dead broker out, loses nothing and shows nothing twice.
  auto producer = make_producer();
  ASSERT_TRUE(waiting_.init(*producer).ok());
  const auto write = [&](std::string_view value) {
    ASSERT_TRUE(producer->begin().ok());
    waiting_.send(*producer, where_, value);
    ASSERT_TRUE(waiting_.flush(*producer).ok());
    ASSERT_TRUE(waiting_.commit(*producer).ok());
  };
  write("before");
  const auto reader = log_->make_reader({}, waiting_.inbox);
  const ReaderPartition index = reader->start(where_, Offset(0));
  std::vector<std::string> values;
  RecordBatch batch;
  const auto drain_until = [&](std::size_t count) {
    const Duration until = SystemClock::instance().monotonic() + Duration(60'000);
    Event event;
    while (values.size() < count && SystemClock::instance().monotonic() < until) {
      reader->drain(index, 10, batch);
      for (const RecordView& record : batch) values.emplace_back(*record.value);
      while (waiting_.inbox.pop(event)) {
      }
      waiting_.inbox.wait(Duration(20));
    }
  };
  drain_until(1);
  broker_->restart();  // kills it first
  producer = successor();
  write("after");
  drain_until(2);
  EXPECT_THAT(values, ElementsAre("before", "after"));
}

}  // namespace
}  // namespace millrace::log
