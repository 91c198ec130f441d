#include "millrace/partitioning.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "millrace/detail/hash.h"
#include "millrace/detail/murmur2.h"

namespace millrace {
namespace {

struct Golden {
  std::string key;
  std::int32_t hash;
  std::int32_t of_ten;
};

// SEMANTICS §3.10: what Kafka's Java client computes.
const std::vector<Golden> kGolden = {{"", 275646681, 1},       {"a", -1563381124, 4},
                                     {"k", -1567496736, 2},    {"key", -1079937367, 1},
                                     {"hello", 2132663229, 9}, {"kafka-streams", -1546749195, 3},
                                     {"foobar", -790332482, 6}};

TEST(Murmur2, IsKafkas) {
  // The same key has the same hash here and in Java.
  for (const Golden& golden : kGolden) {
    EXPECT_EQ(detail::murmur2(golden.key), golden.hash) << golden.key;
  }
  // The vectors of Kafka's own test of this function: lengths 0 to 3 modulo 4.
  EXPECT_EQ(detail::murmur2("21"), -973932308);
  EXPECT_EQ(detail::murmur2("abc"), 479470107);
  EXPECT_EQ(detail::murmur2("a-little-bit-long-string"), -985981536);
  EXPECT_EQ(detail::murmur2("a-little-bit-longer-string"), -1486304829);
  EXPECT_EQ(detail::murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
}

TEST(Partitioning, IsKafkas) {
  // The same key lies in the same partition as a Java producer puts it.
  for (const Golden& golden : kGolden) {
    EXPECT_EQ(partition_for_key(golden.key, 10), Partition(golden.of_ten)) << golden.key;
    EXPECT_EQ(partition_for_key(golden.key, 1), Partition(0)) << golden.key;
  }
}

TEST(Partitioning, NeedsAPartition) {
  // A topic whose partition count is not known yet is an error, not a crash.
  EXPECT_THROW(partition_for_key("k", 0), std::invalid_argument);
  EXPECT_THROW(partition_for_key("k", -1), std::invalid_argument);
}

TEST(HashBytes, TellsApartWhatDiffersInOneByteOrInLength) {
  // Neighbouring keys, the usual ones, neither collide nor share their low bits.
  std::set<std::uint64_t> hashes;
  std::set<std::uint64_t> low_bits;
  std::size_t inputs = 0;
  for (std::size_t size = 0; size <= 40; ++size) {
    Bytes key(size, '\0');
    hashes.insert(detail::hash_bytes(key));
    low_bits.insert(detail::hash_bytes(key) & 0xffff);
    ++inputs;
    for (std::size_t at = 0; at < size; ++at) {
      for (const char c : {'\1', '\x80', '\xff'}) {
        key[at] = c;
        hashes.insert(detail::hash_bytes(key));
        low_bits.insert(detail::hash_bytes(key) & 0xffff);
        ++inputs;
      }
      key[at] = '\0';
    }
  }
  EXPECT_EQ(hashes.size(), inputs);
  EXPECT_GT(low_bits.size(), inputs * 95 / 100);
}

TEST(HashBytes, DependsOnBytesAndSeedOnly) {
  // Where the bytes lie in memory makes no difference; the seed does.
  const std::string text = "xxa-key-of-a-few-dozen-bytes-0123456789";
  const Bytes copy = text.substr(2);
  EXPECT_EQ(detail::hash_bytes(BytesView(text).substr(2)), detail::hash_bytes(copy));
  EXPECT_NE(detail::hash_bytes(copy, 1), detail::hash_bytes(copy, 2));
}

TEST(HashBytes, KnownConstantsMakeNoWeakKeysUnderASeed) {
  // A key that folds to zero under seed 0 must not do so under another.
  Bytes a = "\xd3\x08\xa3\x85\x88\x6a\x3f\x24........tail-tail-tail-1";
  Bytes b = "\xd3\x08\xa3\x85\x88\x6a\x3f\x24,,,,,,,,tail-tail-tail-1";
  EXPECT_NE(detail::hash_bytes(a, 12345), detail::hash_bytes(b, 12345));
}

}  // namespace
}  // namespace millrace
