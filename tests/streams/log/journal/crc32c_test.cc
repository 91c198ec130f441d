#include "log/journal/crc32c.h"

#include <gtest/gtest.h>

#include <random>

namespace millrace::log::journal {
namespace {

TEST(Crc32c, GivesTheValuesOfRfc3720) {
  Bytes ascending;
  Bytes descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
    descending.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(Bytes(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eu);
  EXPECT_EQ(crc32c(descending), 0x113fdb5cu);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(Crc32c, IsTheSameByInstructionByTablesAndInPieces) {
  // Property: for every length and alignment, and wherever the bytes are split.
  std::mt19937 random(7);
  Bytes bytes(9000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  for (int i = 0; i < 3000; ++i) {
    const std::size_t from = random() % 64;
    const std::size_t size = i < 600 ? static_cast<std::size_t>(i) : random() % (9000 - from);
    const BytesView piece = BytesView(bytes).substr(from, size);
    const std::size_t split = random() % (piece.size() + 1);
    ASSERT_EQ(crc32c(piece), crc32c_by_tables(piece)) << from << " " << size;
    ASSERT_EQ(crc32c(piece.substr(split), crc32c(piece.substr(0, split))), crc32c(piece));
    ASSERT_EQ(crc32c_by_tables(piece.substr(split), crc32c_by_tables(piece.substr(0, split))),
              crc32c(piece));
  }
}

}  // namespace
}  // namespace millrace::log::journal
