// A broker that is not there.
#include <gmock/gmock.h>

#include "kafka/waiting.h"

namespace millrace::log {
namespace {

using testing::HasSubstr;

class NoBrokerTest : public testing::Test {
 protected:
  // Nothing listens on port 1.
  KafkaLog log_{{.bootstrap_servers = "127.0.0.1:1", .operation_deadline = Duration(500)}};
  Waiting waiting_;
};

void expect_told(const Status& status) {
  EXPECT_EQ(status.consequence(), Consequence::kRetry) << status.message();
  EXPECT_THAT(status.message(), HasSubstr("bootstrap.servers=127.0.0.1:1"));
  EXPECT_THAT(status.message(), HasSubstr("check the address"));
}

TEST_F(NoBrokerTest, QuestionsEndWithRetryAndSayWhere) {
  // Every operation of the admin completes within its deadline and names the address.
  const auto admin = log_.make_admin(waiting_.inbox);
  const TopicPartition where{"topic", Partition(0)};
  std::vector<OperationId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(waiting_.next_id());
  admin->submit_describe_topics(ids[0], {"topic"});
  admin->submit_create_topics(ids[1], {{"topic", 1, {}}});
  admin->submit_delete_topics(ids[2], {"topic"});
  admin->submit_committed_offsets(ids[3], "group", {where});
  admin->submit_list_offsets(ids[4], OffsetKind::kEnd, {where});
  admin->submit_delete_records(ids[5], {{where, Offset(1)}});
  for (const OperationId id : ids) expect_told(waiting_.wait(id, Duration(10'000)).status);
}

TEST_F(NoBrokerTest, InitEndsWithRetryAndMayBeTriedAgain) {
  // init completes within its deadline; the same call may be made again.
  const auto producer = log_.make_producer(
      {.transactional_id = "p", .transaction_timeout = Duration(1000)}, waiting_.inbox);
  for (int i = 0; i < 2; ++i) expect_told(waiting_.init(*producer));
}

TEST_F(NoBrokerTest, NothingWaitsForAnAbsentBroker) {
  // Making, starting, draining and destroying come back at once.
  const Duration begin = SystemClock::instance().monotonic();
  {
    const auto reader = log_.make_reader({}, waiting_.inbox);
    const ReaderPartition index = reader->start({"topic", Partition(0)}, Offset(0));
    RecordBatch batch;
    reader->drain(index, 10, batch);
    EXPECT_TRUE(batch.empty());
    EXPECT_FALSE(reader->caught_up(index));
    const auto producer = log_.make_producer({.transactional_id = "p"}, waiting_.inbox);
    producer->topic("topic");
    producer->submit_init(waiting_.next_id());
  }
  EXPECT_LT(SystemClock::instance().monotonic() - begin, Duration(500));
}

}  // namespace
}  // namespace millrace::log
