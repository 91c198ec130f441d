#include "log/journal/catalog.h"

#include <gtest/gtest.h>

namespace millrace::log::journal {
namespace {

constexpr PartitionKey kA0{TopicId(1), Partition(0)};
constexpr PartitionKey kA1{TopicId(1), Partition(1)};

Frame made(std::int32_t id, std::string name, std::int32_t partitions) {
  Frame frame;
  frame.topics_made.push_back({TopicId(id), std::move(name), partitions, {{"k", "v"}}});
  return frame;
}
Frame written(PartitionKey where, std::int64_t base, std::int64_t next) {
  Frame frame;
  FrameBatch& batch = frame.batches.emplace_back();
  batch.where = where;
  batch.base = Offset(base);
  batch.next = Offset(next);
  return frame;
}
Bytes bytes_of(const Catalog& catalog) {
  Bytes bytes;
  catalog.encode(bytes);
  return bytes;
}

struct CatalogTest : testing::Test {
  Catalog catalog;

  CatalogTest() {
    EXPECT_FALSE(catalog.apply(made(1, "a", 2)));
    EXPECT_FALSE(catalog.apply(written(kA0, 0, 5)));
    Frame frame = written(kA0, 5, 8);
    frame.offsets.push_back({"g", kA1, Offset(70), "m"});
    frame.deletions.push_back({kA0, Offset(6)});
    EXPECT_FALSE(catalog.apply(frame));
  }
};

TEST_F(CatalogTest, IsTheSumOfItsFrames) {
  const auto* topic = catalog.find("a");
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(catalog.find(TopicId(1)), topic);
  EXPECT_EQ(topic->config, (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_EQ(topic->partitions[0].start, Offset(6));
  EXPECT_EQ(topic->partitions[0].next, Offset(8));
  EXPECT_EQ(topic->partitions[1].next, Offset(0));
  ASSERT_NE(catalog.committed("g", kA1), nullptr);
  EXPECT_EQ(catalog.committed("g", kA1)->offset, Offset(70));
  EXPECT_EQ(catalog.committed("g", kA1)->metadata, "m");
  EXPECT_EQ(catalog.committed("g", kA0), nullptr);
  EXPECT_EQ(catalog.committed("h", kA1), nullptr);
}

TEST_F(CatalogTest, AStartNeverGoesBack) {
  Frame frame;
  frame.deletions.push_back({kA0, Offset(2)});
  EXPECT_FALSE(catalog.apply(frame));
  EXPECT_EQ(catalog.find("a")->partitions[0].start, Offset(6));
}

TEST_F(CatalogTest, ADeletedTopicTakesItsOffsetsAlongAndItsNumberStaysTaken) {
  Frame frame;
  frame.topics_deleted.push_back(TopicId(1));
  EXPECT_FALSE(catalog.apply(frame));
  EXPECT_EQ(catalog.find("a"), nullptr);
  EXPECT_EQ(catalog.committed("g", kA1), nullptr);
  EXPECT_TRUE(catalog.apply(made(1, "a", 1)));
  EXPECT_EQ(catalog.next_topic_id(), TopicId(2));
  EXPECT_FALSE(catalog.apply(made(2, "a", 1)));
  EXPECT_EQ(catalog.find("a")->id, TopicId(2));
}

TEST_F(CatalogTest, WhatCannotFollowIsRefusedAndNothingIsTaken) {
  const Bytes before = bytes_of(catalog);
  std::vector<Frame> impossible{made(1, "b", 1),
                                made(2, "a", 1),
                                made(2, "b", 0),
                                written(kA0, 7, 9),
                                written(kA0, 8, 8),
                                written({TopicId(1), Partition(2)}, 0, 1),
                                written({TopicId(1), Partition(-1)}, 0, 1),
                                written({TopicId(2), Partition(0)}, 0, 1)};
  impossible.emplace_back().topics_deleted.push_back(TopicId(2));
  impossible.emplace_back().deletions.push_back({kA0, Offset(9)});
  impossible.emplace_back().offsets.push_back({"g", {TopicId(9), Partition(0)}, Offset(1), ""});
  Frame twice = written(kA0, 8, 9);
  twice.batches.push_back(written(kA0, 8, 10).batches[0]);
  impossible.push_back(twice);
  for (Frame& frame : impossible) {
    frame.offsets.push_back({"new", kA0, Offset(1), ""});  // what is possible in it
    EXPECT_TRUE(catalog.apply(frame));
    EXPECT_EQ(bytes_of(catalog), before);
  }
}

TEST_F(CatalogTest, BatchesOfOnePartitionFollowEachOtherInAFrame) {
  Frame frame = written(kA0, 8, 9);
  frame.batches.push_back(written(kA0, 9, 10).batches[0]);
  frame.batches.push_back(written(kA0, 12, 13).batches[0]);
  EXPECT_FALSE(catalog.apply(frame));
  EXPECT_EQ(catalog.find(TopicId(1))->partitions[0].next, Offset(13));
}

TEST_F(CatalogTest, ComesBackFromItsBytesAndFromNoOthers) {
  const Bytes bytes = bytes_of(catalog);
  auto decoded = Catalog::decode(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(bytes_of(decoded.value()), bytes);
  EXPECT_EQ(decoded.value().find("a")->partitions[0].start, Offset(6));
  EXPECT_EQ(decoded.value().next_topic_id(), TopicId(2));
  EXPECT_EQ(to_hex(bytes), "020101016101016b0176020608000001016701010146016d");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(Catalog::decode(Bytes(bytes, 0, size)).ok()) << size;
  }
  EXPECT_FALSE(Catalog::decode(bytes + '\0').ok());
}

}  // namespace
}  // namespace millrace::log::journal
