// The text beside a committed offset, byte for byte as Kafka Streams writes it.
#include "task/commit_metadata.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace millrace::task {
namespace {

TEST(CommitMetadata, GoldenBytes) {
  // 02 | 00000000000003e8; without entries there is no count.
  EXPECT_EQ(encode({1000, {}}), "AgAAAAAAAAPo");
  // … | 00000001 | 00000001 'S' 00000000000003de
  EXPECT_EQ(encode({1000, {{"S", 990}}}), "AgAAAAAAAAPoAAAAAQAAAAFTAAAAAAAAA94=");
  EXPECT_EQ(encode({1234, {{"#", 7}}}), "AgAAAAAAAATSAAAAAQAAAAEjAAAAAAAAAAc=");
  EXPECT_EQ(encode({-1, {}}), "Av//////////");
}

TEST(CommitMetadata, ReadsWhatJavaWrites) {
  EXPECT_EQ(decode_commit_metadata("AgAAAAAAAAPo").partition_time, 1000);
  const CommitMetadata read = decode_commit_metadata("AgAAAAAAAAPoAAAAAQAAAAFTAAAAAAAAA94=");
  EXPECT_EQ(read.partition_time, 1000);
  ASSERT_EQ(read.entries.size(), 1u);
  EXPECT_EQ(read.entries[0].name, "S");
  EXPECT_EQ(read.entries[0].value, 990);
}

TEST(CommitMetadata, ReadsVersionOneOfJava) {
  // 01 | 0000018bcfe56800: no map.
  const CommitMetadata read = decode_commit_metadata("AQAAAYvP5WgA");
  EXPECT_EQ(read.partition_time, 1'700'000'000'000);
  EXPECT_TRUE(read.entries.empty());
}

TEST(CommitMetadata, WhatIsWrittenIsRead) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 200; ++i) {
    CommitMetadata written;
    written.partition_time = static_cast<std::int64_t>(random());
    for (auto n = random() % 5; n > 0; --n)
      written.entries.push_back({std::string(random() % 20, static_cast<char>(random())),
                                 static_cast<std::int64_t>(random())});
    const CommitMetadata read = decode_commit_metadata(encode(written));
    EXPECT_EQ(read.partition_time, written.partition_time);
    ASSERT_EQ(read.entries.size(), written.entries.size());
    for (std::size_t e = 0; e < read.entries.size(); ++e) {
      EXPECT_EQ(read.entries[e].name, written.entries[e].name);
      EXPECT_EQ(read.entries[e].value, written.entries[e].value);
    }
  }
}

TEST(CommitMetadata, GarbageMeansThatNothingIsKnown) {
  const std::string good = encode({1234, {{"#", 7}, {"store/t", 9}}});
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("not base64!"), std::string("===="),
        std::string("AA=="), std::string("Ag=="), std::string("AwAAAAAAAATS"),
        std::string(5'000, 'A'), std::string("\0\xff", 2)}) {
    const CommitMetadata read = decode_commit_metadata(text);
    EXPECT_EQ(read.partition_time, -1) << text;
    EXPECT_TRUE(read.entries.empty()) << text;
  }
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    decode_commit_metadata(good.substr(0, cut));  // survives
  // A count, or a length, that is larger than what follows, or negative.
  for (const char* text : {"AgAAAAAAAATSf////w==", "AgAAAAAAAATS/////w==",
                           "AgAAAAAAAATSAAAAAX////8j", "AgAAAAAAAATSAAAAAf////8j"}) {
    EXPECT_TRUE(decode_commit_metadata(text).entries.empty()) << text;
  }
}

TEST(CommitMetadata, RandomBytesDoNoHarm) {
  std::mt19937 random(9);
  const std::string good = encode({1234, {{"#", 7}, {"store/t", 9}}});
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (auto n = 1 + random() % 4; n > 0; --n)
      text[random() % text.size()] = static_cast<char>(random());
    decode_commit_metadata(text);
  }
}

}  // namespace
}  // namespace millrace::task
