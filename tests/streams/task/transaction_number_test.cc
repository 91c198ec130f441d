// Transaction numbers: each names its writer, and those of one task grow whoever writes them.
#include "task/transaction_number.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>

namespace millrace::task {
namespace {

constexpr std::int64_t kBare = 7;  // as the first versions wrote it: a count

TEST(TransactionNumber, GoldenValues) {
  EXPECT_EQ(next_transaction_number(-1, Writer(0xabcdef)), 0x1abcdef);
  EXPECT_EQ(next_transaction_number(0x1abcdef, Writer(0x000001)), 0x2000001);
  EXPECT_EQ(next_transaction_number(kBare, Writer(2)), 0x1000002);
  EXPECT_EQ(commits_counted(0x2000001), 2);
}

TEST(TransactionNumber, GrowsWhoeverWrites) {
  std::mt19937_64 random(3);
  for (std::int64_t last : {std::int64_t{-1}, kBare, std::int64_t{1} << 40}) {
    for (int i = 0; i < 1'000; ++i) {
      const Writer writer(static_cast<std::int32_t>(random() >> (64 - kWriterBits)));
      const std::int64_t next = next_transaction_number(last, writer);
      ASSERT_GT(next, last);
      last = next;
    }
  }
}

// Ten commits a second for a thousand years are no overflow.
TEST(TransactionNumber, HasRoom) {
  const std::int64_t commits = std::int64_t{1000} * 366 * 24 * 3600 * 10;
  EXPECT_LT(commits, std::numeric_limits<std::int64_t>::max() >> kWriterBits);
}

TEST(TransactionNumber, WritersDiffer) {
  const Writer writer = writer_of("app-1", 4, from_ms(1000));
  EXPECT_EQ(writer_of("app-1", 4, from_ms(1000)), writer);
  EXPECT_NE(writer_of("app-2", 4, from_ms(1000)), writer) << "another thread";
  EXPECT_NE(writer_of("app-1", 5, from_ms(1000)), writer) << "the next producer";
  EXPECT_NE(writer_of("app-1", 4, from_ms(1001)), writer) << "another process";
  for (std::int64_t producer = 0; producer < 1'000; ++producer) {
    const std::int32_t bits = writer_of("app-1", producer, Timestamp{}).value();
    ASSERT_GE(bits, 0);
    ASSERT_LT(bits, 1 << kWriterBits);
  }
}

}  // namespace
}  // namespace millrace::task
