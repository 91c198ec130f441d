// Doubt: requests that were cut after they were sent, injected by librdkafka's mock broker.
#include <gmock/gmock.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "kafka/waiting.h"

namespace millrace::log {
namespace {

using testing::HasSubstr;

constexpr std::int16_t kAddPartitionsToTxn = 24;
constexpr std::int16_t kEndTxn = 26;
constexpr std::int16_t kTxnOffsetCommit = 28;

class DoubtTest : public testing::Test {
 protected:
  DoubtTest() {
    char reason[256];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    host_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    cluster_ = rd_kafka_mock_cluster_new(host_, 1);
    rd_kafka_mock_topic_create(cluster_, "topic", 1, 1);
    log_ = std::make_unique<KafkaLog>(
        KafkaLogOptions{.bootstrap_servers = rd_kafka_mock_cluster_bootstraps(cluster_)});
    producer_ = log_->make_producer({.transactional_id = "p"}, waiting_.inbox);
  }
  ~DoubtTest() override {
    producer_.reset();
    log_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(host_);
  }

  // Effect: a transaction with a record and an offset. Returns what the commit said.
  Status transaction() {
    Status begun = producer_->begin();
    if (!begun.ok()) return begun;
    waiting_.send(*producer_, {"topic", Partition(0)}, "v");
    Status flushed = waiting_.flush(*producer_);
    if (!flushed.ok()) return flushed;
    return waiting_.commit(*producer_, {{{"topic", Partition(0)}, Offset(1), ""}}, {.group = "g"});
  }

  void cut(std::int16_t api) {
    rd_kafka_mock_push_request_errors(cluster_, api, 1, RD_KAFKA_RESP_ERR__TRANSPORT);
  }

  rd_kafka_t* host_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  Waiting waiting_;
  std::unique_ptr<KafkaLog> log_;
  std::unique_ptr<LogProducer> producer_;
};

TEST_F(DoubtTest, WithoutCutsTheProducerGoesOn) {
  // The control: transactions follow each other on one producer.
  ASSERT_TRUE(waiting_.init(*producer_).ok());
  for (int i = 0; i < 3; ++i) {
    const Status status = transaction();
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

TEST_F(DoubtTest, ARefusalThatIsAnsweredIsNoDoubt) {
  // "Try again" is an answer: the request is not on its way any more.
  ASSERT_TRUE(waiting_.init(*producer_).ok());
  rd_kafka_mock_push_request_errors(cluster_, kAddPartitionsToTxn, 2,
                                    RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
                                    RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS);
  for (int i = 0; i < 2; ++i) {
    const Status status = transaction();
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

class CutTest : public DoubtTest, public testing::WithParamInterface<std::int16_t> {};

TEST_P(CutTest, ARequestThatWasCutPoisonsTheProducer) {
  // The commit may say ok, because librdkafka sent the request again; the first one may still
  // arrive, so no transaction begins on this producer any more.
  ASSERT_TRUE(waiting_.init(*producer_).ok());
  ASSERT_TRUE(transaction().ok());
  cut(GetParam());
  const Status status = transaction();
  EXPECT_TRUE(status.ok() || status.consequence() == Consequence::kUnknown ||
              status.consequence() == Consequence::kAbort)
      << status.message();
  if (status.consequence() == Consequence::kAbort) (void)waiting_.abort(*producer_);
  const Status next = producer_->begin();
  EXPECT_EQ(next.consequence(), Consequence::kFenced);
  EXPECT_THAT(next.message(), HasSubstr("must be replaced"));
}

INSTANTIATE_TEST_SUITE_P(Requests, CutTest,
                         testing::Values(kAddPartitionsToTxn, kTxnOffsetCommit, kEndTxn));

}  // namespace
}  // namespace millrace::log
