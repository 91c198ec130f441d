// When a producer is in doubt.
#include "log/kafka/transaction_watch.h"

#include <gtest/gtest.h>

namespace millrace::log {
namespace {

constexpr int kProduce = 0;
constexpr int kAddPartitions = 24;
constexpr int kEndTxn = 26;

TEST(TransactionWatchTest, AnsweredRequestsAreNoDoubt) {
  // Sent and answered, also several times in a row ("try again"), is certain.
  TransactionWatch watch;
  for (int i = 0; i < 3; ++i) {
    watch.sent(kAddPartitions);
    watch.answered(kAddPartitions);
    watch.answered(kAddPartitions);  // librdkafka says it twice
  }
  EXPECT_FALSE(watch.in_doubt());
}

TEST(TransactionWatchTest, AnUnansweredRequestIsDoubt) {
  // A request without an answer may still arrive.
  TransactionWatch watch;
  watch.sent(kEndTxn);
  EXPECT_TRUE(watch.in_doubt());
  EXPECT_TRUE(watch.end_is_open());
}

TEST(TransactionWatchTest, ARequestThatWasSentAgainUnansweredStaysInDoubt) {
  // The answer to the second does not tell where the first is.
  TransactionWatch watch;
  watch.sent(kEndTxn);
  watch.sent(kEndTxn);
  watch.answered(kEndTxn);
  EXPECT_FALSE(watch.end_is_open());
  EXPECT_TRUE(watch.in_doubt());
  EXPECT_EQ(watch.ends_sent(), 2);
}

TEST(TransactionWatchTest, OtherRequestsDoNotCount) {
  // Records carry sequence numbers of their own.
  TransactionWatch watch;
  watch.sent(kProduce);
  EXPECT_FALSE(watch.in_doubt());
}

}  // namespace
}  // namespace millrace::log
