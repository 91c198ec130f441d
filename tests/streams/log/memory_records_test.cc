// Records, markers and offsets: what is in a partition of the memory log and who may see it.
#include <map>

#include "streams/log/memory_fixture.h"

namespace millrace::log::memory {
namespace {

TEST_F(MemoryLogTest, RecordsKeepKeyValueTimestampHeadersAndNulls) {
  // Property: a record comes back as it was sent, null and empty payloads told apart.
  const Headers headers{{"a", "1"}, {"a", std::nullopt}, {"", ""}};
  ASSERT_TRUE(
      log.append("t", Partition(0), {.value = "", .timestamp = from_ms(7), .headers = &headers})
          .ok());
  ASSERT_TRUE(log.append("t", Partition(0), {.key = "k", .timestamp = from_ms(8)}).ok());
  ASSERT_TRUE(log.append("t", Partition(0),
                         {.key = "", .value = std::string(300'000, 'x'), .timestamp = from_ms(9)})
                  .ok());

  const auto records = log.read_all("t", Partition(0), Isolation::kReadCommitted);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0], (StoredRecord{Offset(0), std::nullopt, "", from_ms(7), headers}));
  EXPECT_EQ(records[1], (StoredRecord{Offset(1), "k", std::nullopt, from_ms(8), {}}));
  EXPECT_EQ(records[2], (StoredRecord{Offset(2), "", std::string(300'000, 'x'), from_ms(9), {}}));
}

TEST_F(MemoryLogTest, MarkersTakeOneOffsetInEachPartitionTouched) {
  // Property: a commit or abort marker takes an offset in each partition that the transaction wrote
  // to, and in no other.
  auto producer = client.producer("p");
  client.transaction(*producer, "t", 0, {"a", "b"}, true);
  EXPECT_EQ(log.end_offset("t", Partition(0)), Offset(3));
  EXPECT_EQ(log.end_offset("t", Partition(1)), Offset(0));
  client.transaction(*producer, "t", 0, {"x"}, false);
  client.transaction(*producer, "t", 0, {"c"}, true);
  EXPECT_EQ(log.end_offset("t", Partition(0)), Offset(7));

  const auto records = log.read_all("t", Partition(0), Isolation::kReadCommitted);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].offset, Offset(1));
  EXPECT_EQ(records[2].offset, Offset(5));
}

TEST_F(MemoryLogTest, EmptyTransactionsLeaveNothing) {
  // Property: a transaction without records and offsets writes no marker.
  auto producer = client.producer("p");
  client.transaction(*producer, "t", 0, {}, true);
  client.transaction(*producer, "t", 0, {}, false);
  EXPECT_EQ(log.end_offset("t", Partition(0)), Offset(0));
}

TEST_F(MemoryLogTest, OpenTransactionsHoldBackTheLastStableOffset) {
  // Property: read_committed sees nothing behind the first record of the oldest open transaction,
  // committed or not; read_uncommitted sees everything.
  auto first = client.producer("p1");
  auto second = client.producer("p2");
  ASSERT_TRUE(log.append("t", Partition(0), text("k", "plain")).ok());
  ASSERT_TRUE(first->begin().ok());
  client.send(*first, "t", 0, "open");
  ASSERT_TRUE(client.flush(*first).ok());
  client.transaction(*second, "t", 0, {"later"}, true);

  EXPECT_EQ(log.last_stable_offset("t", Partition(0)), Offset(1));
  EXPECT_EQ(committed(), "plain");
  EXPECT_EQ(uncommitted(), "plain open later");

  ASSERT_TRUE(client.commit(*first).ok());
  EXPECT_EQ(log.last_stable_offset("t", Partition(0)), log.end_offset("t", Partition(0)));
  EXPECT_EQ(committed(), "plain open later");
}

TEST_F(MemoryLogTest, AbortedRecordsAreInvisible) {
  // Property: read_committed skips the records of aborted transactions, also between committed ones
  // of another producer; read_uncommitted shows them.
  auto first = client.producer("p1");
  auto second = client.producer("p2");
  ASSERT_TRUE(first->begin().ok());
  ASSERT_TRUE(second->begin().ok());
  for (const char* value : {"1", "2", "3"}) {
    client.send(*first, "t", 0, std::string("lost") + value);
    ASSERT_TRUE(client.flush(*first).ok());
    client.send(*second, "t", 0, std::string("kept") + value);
    ASSERT_TRUE(client.flush(*second).ok());
  }
  ASSERT_TRUE(client.commit(*second).ok());
  EXPECT_EQ(committed(), "");
  ASSERT_TRUE(client.abort(*first).ok());
  EXPECT_EQ(committed(), "kept1 kept2 kept3");
  EXPECT_EQ(uncommitted(), "lost1 kept1 lost2 kept2 lost3 kept3");
}

TEST_F(MemoryLogTest, DeleteRecordsMovesTheStart) {
  // Property: records below the offset are gone for every reader, the end stays, and lower offsets
  // than the start change nothing.
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(log.append("t", Partition(0), text("k", std::to_string(i))).ok());
  auto admin = log.make_admin(client.inbox());
  const auto delete_below = [&](std::int64_t offset) {
    const OperationId id = client.next_id();
    admin->submit_delete_records(id, {{{"t", Partition(0)}, Offset(offset)}});
    return client.await(id).status;
  };
  EXPECT_TRUE(delete_below(7).ok());
  EXPECT_EQ(committed(), "7 8 9");
  EXPECT_TRUE(delete_below(3).ok());
  EXPECT_EQ(log.start_offset("t", Partition(0)), Offset(7));
  EXPECT_EQ(delete_below(11).consequence(), Consequence::kRetry);
  EXPECT_TRUE(delete_below(10).ok());
  EXPECT_EQ(committed(), "");
  EXPECT_EQ(log.start_offset("t", Partition(0)), Offset(10));
  EXPECT_EQ(log.end_offset("t", Partition(0)), Offset(10));
}

TEST_F(MemoryLogTest, DeleteRecordsIsRefusedWhereATopicIsOnlyCompacted) {
  // Property: cleanup.policy decides: compact refuses, compact,delete and delete allow.
  auto admin = log.make_admin(client.inbox());
  for (const auto& [policy, allowed] : std::map<std::string, bool>{
           {"compact", false}, {"compact,delete", true}, {"delete", true}}) {
    const std::string topic = policy == "compact" ? "c" : policy == "delete" ? "d" : "cd";
    log.create_topic({topic, 1, {{"cleanup.policy", policy}}});
    ASSERT_TRUE(log.append(topic, Partition(0), text("k", "v")).ok());
    const OperationId id = client.next_id();
    admin->submit_delete_records(id, {{{topic, Partition(0)}, Offset(1)}});
    EXPECT_EQ(client.await(id).status.ok(), allowed) << policy;
    EXPECT_EQ(log.start_offset(topic, Partition(0)), Offset(allowed ? 1 : 0)) << policy;
  }
}

TEST_F(MemoryLogTest, CompactionKeepsTheNewestOfEachKeyAndAllOffsets) {
  // Property: below the last stable offset only the newest record of each key stays, tombstones and
  // aborted records go, offsets do not change; above it nothing is touched.
  auto producer = client.producer("p");
  const auto put = [&](const char* key, OptionalBytesView value) {
    ASSERT_TRUE(
        log.append("t", Partition(0), {.key = key, .value = value, .timestamp = from_ms(1)}).ok());
  };
  put("a", "a0");
  put("b", "b1");
  put("a", "a2");
  put("b", std::nullopt);
  client.transaction(*producer, "t", 0, {"aborted"}, false);
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "t", 0, "open");
  ASSERT_TRUE(client.flush(*producer).ok());
  put("a", "a7");

  log.compact("t", Partition(0));
  EXPECT_EQ(uncommitted(), "a2 open a7");
  ASSERT_TRUE(client.commit(*producer).ok());
  const auto records = log.read_all("t", Partition(0), Isolation::kReadCommitted);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].offset, Offset(2));
  EXPECT_EQ(records[1].offset, Offset(6));
  EXPECT_EQ(records[2].offset, Offset(7));
}

TEST_F(MemoryLogTest, ARecordAloneMayBeAsLargeAsMaxMessageBytesInKafkasFormat) {
  // Property: the limit counts a record as a batch of its own in Kafka's format: 61 bytes of
  // header, one for the length, three of attributes and deltas, one each for the lengths of key,
  // value and the count of headers.
  log.create_topic({"small", 1, {{"max.message.bytes", "100"}}});
  EXPECT_TRUE(log.append("small", Partition(0), text("k", std::string(31, 'v'))).ok());
  EXPECT_FALSE(log.append("small", Partition(0), text("k", std::string(32, 'v'))).ok());
}

TEST_F(MemoryLogTest, TopicsRefuseWhatABrokerRefuses) {
  // Property: append() names what is wrong: no such partition, null key where compacted,
  // timestamps too far ahead where the topic limits them. Negative ones pass.
  log.create_topic({"compacted", 1, {{"cleanup.policy", "compact"}}});
  log.create_topic({"strict", 1, {{"message.timestamp.after.max.ms", "1000"}}});
  EXPECT_FALSE(log.append("missing", Partition(0), text("k", "v")).ok());
  EXPECT_FALSE(log.append("t", Partition(2), text("k", "v")).ok());
  EXPECT_FALSE(log.append("t", Partition(-1), text("k", "v")).ok());
  EXPECT_FALSE(log.append("compacted", Partition(0), {.value = "v", .timestamp = from_ms(1)}).ok());
  EXPECT_TRUE(log.append("t", Partition(0), text("k", "v", from_ms(-1))).ok());
  EXPECT_TRUE(log.append("strict", Partition(0), text("k", "v", from_ms(-1))).ok());
  EXPECT_TRUE(log.append("strict", Partition(0), text("k", "v", clock.now() + 1000ms)).ok());
  EXPECT_FALSE(log.append("strict", Partition(0), text("k", "v", clock.now() + 1001ms)).ok());
  EXPECT_TRUE(log.append("t", Partition(0), text("k", "v", clock.now() + 24h * 365 * 50)).ok());
}

TEST_F(MemoryLogTest, TopicsMayStampTheirRecords) {
  // Property: message.timestamp.type=LogAppendTime replaces the record's timestamp.
  log.create_topic({"stamped", 1, {{"message.timestamp.type", "LogAppendTime"}}});
  ASSERT_TRUE(log.append("stamped", Partition(0), text("k", "v")).ok());
  EXPECT_EQ(log.read_all("stamped", Partition(0), Isolation::kReadCommitted)[0].timestamp,
            clock.now());
}

TEST_F(MemoryLogTest, AdminDescribesCreatesListsAndDeletes) {
  // Property: admin operations answer in the order asked for; creating what exists and deleting
  // what does not are no errors; what is missing is said to be missing.
  auto admin = log.make_admin(client.inbox());
  OperationId id = client.next_id();
  admin->submit_create_topics(id, {{"new", 3, {{"max.message.bytes", "2000"}}}, {"t", 7, {}}});
  EXPECT_TRUE(client.await(id).status.ok());

  id = client.next_id();
  admin->submit_describe_topics(id, {"t", "missing", "new"});
  const auto described = std::get<TopicsDescribed>(client.await(id).what).topics;
  ASSERT_EQ(described.size(), 3u);
  EXPECT_EQ(described[0].partitions, 2);
  EXPECT_EQ(described[1].partitions, std::nullopt);
  EXPECT_EQ(described[2].partitions, 3);
  EXPECT_EQ(described[2].max_message_bytes, 2000);

  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "new", 1, "open");
  ASSERT_TRUE(client.flush(*producer).ok());
  id = client.next_id();
  admin->submit_list_offsets(id, OffsetKind::kEnd,
                             {{"new", Partition(1)}, {"new", Partition(3)}, {"t", Partition(0)}});
  const auto listed = std::get<OffsetsListed>(client.await(id).what).offsets;
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].offset, Offset(1)) << "the end counts open records";
  EXPECT_EQ(listed[1].offset, kNoOffset);
  EXPECT_EQ(listed[2].offset, Offset(0));

  id = client.next_id();
  admin->submit_delete_topics(id, {"new", "missing"});
  EXPECT_TRUE(client.await(id).status.ok());
  EXPECT_EQ(log.topics(), std::vector<std::string>{"t"});
  EXPECT_TRUE(client.commit(*producer).ok()) << "its markers have nowhere to go";

  id = client.next_id();
  admin->submit_create_topics(id, {{"bad name", 1, {}}});
  EXPECT_EQ(client.await(id).status.consequence(), Consequence::kFatal);
  id = client.next_id();
  admin->submit_create_topics(id, {{"empty", 0, {}}});
  EXPECT_EQ(client.await(id).status.consequence(), Consequence::kFatal);
}

}  // namespace
}  // namespace millrace::log::memory
