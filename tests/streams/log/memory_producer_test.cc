// Producers of the memory log: fencing, time-outs, failed deliveries, and the answers to
// operations.
#include <set>

#include "streams/log/memory_fixture.h"

namespace millrace::log::memory {
namespace {

using MemoryProducerTest = MemoryLogTest;

TEST_F(MemoryProducerTest, NothingHappensBeforeAStep) {
  // Property: submitting answers nothing and writes nothing; each operation is answered exactly
  // once by an event of the producer's epoch.
  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "t", 0, "a");
  const OperationId id = client.next_id();
  producer->submit_flush(id);
  EXPECT_TRUE(client.inbox().empty());
  EXPECT_EQ(uncommitted(), "");
  const auto events = client.settle();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].operation, id);
  EXPECT_EQ(events[0].epoch, producer->epoch());
  EXPECT_EQ(uncommitted(), "a");
}

TEST_F(MemoryProducerTest, FlushTellsFirstAndLastOffsetSinceTheTransactionBegan) {
  // Property: FlushDone lists each partition written, by name, from the transaction's first record
  // on, over several flushes; records of others lie in between.
  log.create_topic({"a", 1, {}});
  auto producer = client.producer("p");
  client.transaction(*producer, "t", 0, {"old"}, true);
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "t", 1, "1");
  client.send(*producer, "t", 0, "2");
  ASSERT_TRUE(client.flush(*producer).ok());
  ASSERT_TRUE(log.append("t", Partition(0), text("k", "other")).ok());
  client.send(*producer, "t", 0, "3");
  client.send(*producer, "a", 0, "4");
  const Event flushed = client.flush_event(*producer);
  const auto& written = std::get<FlushDone>(flushed.what).written;
  ASSERT_EQ(written.size(), 3u);
  EXPECT_EQ(written[0].where, (TopicPartition{"a", Partition(0)}));
  EXPECT_EQ(written[1].where, (TopicPartition{"t", Partition(0)}));
  EXPECT_EQ(written[1].first, Offset(2));
  EXPECT_EQ(written[1].last, Offset(4));
  EXPECT_EQ(written[2].where, (TopicPartition{"t", Partition(1)}));
}

TEST_F(MemoryProducerTest, ANewerProducerFencesTheOlderAndEndsItsTransaction) {
  // Property: init aborts the open transaction of an earlier producer of the id, and whatever that
  // one does from then on ends with kFenced, once it is told at every call.
  auto older = client.producer("p");
  ASSERT_TRUE(older->begin().ok());
  client.send(*older, "t", 0, "lost");
  ASSERT_TRUE(client.flush(*older).ok());
  auto newer = client.producer("p");
  EXPECT_EQ(log.last_stable_offset("t", Partition(0)), Offset(2));
  client.transaction(*newer, "t", 0, {"kept"}, true);

  EXPECT_EQ(client.commit(*older).consequence(), Consequence::kFenced);
  EXPECT_EQ(client.abort(*older).consequence(), Consequence::kFenced);
  EXPECT_EQ(older->begin().consequence(), Consequence::kFenced);
  EXPECT_EQ(committed(), "kept");
  EXPECT_EQ(uncommitted(), "lost kept");
}

TEST_F(MemoryProducerTest, EachOperationOfAFencedProducerSaysSo) {
  // Property: flush, commit and abort each find out by themselves; a fenced producer's records do
  // not reach the log.
  for (const std::string operation : {"flush", "commit", "abort", "empty commit"}) {
    auto older = client.producer("p");
    ASSERT_TRUE(older->begin().ok());
    auto newer = client.producer("p");
    if (operation == "flush") client.send(*older, "t", 1, "late");
    const Status status = operation == "flush"   ? client.flush(*older)
                          : operation == "abort" ? client.abort(*older)
                                                 : client.commit(*older);
    EXPECT_EQ(status.consequence(), Consequence::kFenced) << operation;
  }
  EXPECT_EQ(uncommitted(1), "");
}

TEST_F(MemoryProducerTest, DifferentIdsDoNotFenceEachOther) {
  // Property: fencing is per transactional id.
  auto one = client.producer("p1");
  ASSERT_TRUE(one->begin().ok());
  client.send(*one, "t", 0, "a");
  auto two = client.producer("p2");
  client.transaction(*two, "t", 0, {"b"}, true);
  EXPECT_TRUE(client.flush_and_commit(*one).ok());
  EXPECT_EQ(committed(), "a b");
}

TEST_F(MemoryProducerTest, OldTransactionsAreAbortedAndTheirProducerFenced) {
  // Property: a transaction is aborted when its time-out is over, counted from its first write, not
  // from begin(); the producer is fenced then, and next_due() says when.
  auto producer = client.producer("p", 5s);
  ASSERT_TRUE(producer->begin().ok());
  clock.advance(1h);
  EXPECT_FALSE(log.step());
  EXPECT_EQ(log.next_due(), std::nullopt);
  client.send(*producer, "t", 0, "slow");
  ASSERT_TRUE(client.flush(*producer).ok());
  ASSERT_EQ(log.next_due(), clock.now() + 5s);
  clock.advance(4999ms);
  EXPECT_FALSE(log.step());
  EXPECT_EQ(log.last_stable_offset("t", Partition(0)), Offset(0));
  clock.advance(1ms);
  EXPECT_TRUE(log.step());
  EXPECT_EQ(log.last_stable_offset("t", Partition(0)), Offset(2));
  EXPECT_EQ(client.commit(*producer).consequence(), Consequence::kFenced);
  EXPECT_EQ(committed(), "");
  auto next = client.producer("p");
  client.transaction(*next, "t", 0, {"again"}, true);
  EXPECT_EQ(committed(), "again");
}

TEST_F(MemoryProducerTest, EndedTransactionsDoNotTimeOut) {
  // Property: commit and abort stop the clock.
  auto producer = client.producer("p", 5s);
  client.transaction(*producer, "t", 0, {"a"}, true);
  client.transaction(*producer, "t", 0, {"b"}, false);
  EXPECT_EQ(log.next_due(), std::nullopt);
  clock.advance(1h);
  client.transaction(*producer, "t", 0, {"c"}, true);
  EXPECT_EQ(committed(), "a c");
}

TEST_F(MemoryProducerTest, TimeoutsThatABrokerRefusesAreFatal) {
  // Property: the transaction time-out is above nothing and at most 15 minutes.
  for (const Duration timeout : {Duration(0), Duration(-1), Duration(15min) + 1ms}) {
    auto producer = client.new_producer("p", timeout);
    EXPECT_EQ(client.init(*producer).consequence(), Consequence::kFatal);
  }
}

TEST_F(MemoryProducerTest, FailedDeliveriesAreToldAndRuleOutTheCommit) {
  // Property: a record that the topic refuses, or that has no topic, is told by DeliveryFailed;
  // flush and commit say kAbort, and after the abort the producer goes on.
  log.create_topic({"small", 1, {{"max.message.bytes", "100"}}});
  auto producer = client.producer("p");
  for (const std::string topic : {"small", "missing"}) {
    ASSERT_TRUE(producer->begin().ok());
    client.send(*producer, "t", 0, "with it");
    client.send(*producer, topic, 0, std::string(100, 'x'));
    client.send(*producer, topic, 0, std::string(100, 'y'));
    EXPECT_EQ(client.flush(*producer).consequence(), Consequence::kAbort);
    const auto failed = only<DeliveryFailed>(client.settle());
    ASSERT_GE(failed.size(), 1u);
    EXPECT_EQ(failed[0].where.topic, topic);
    EXPECT_EQ(client.commit(*producer).consequence(), Consequence::kAbort);
    EXPECT_TRUE(client.abort(*producer).ok());
  }
  client.transaction(*producer, "t", 0, {"after"}, true);
  EXPECT_EQ(committed(), "after");
}

TEST_F(MemoryProducerTest, AFullBufferTakesNothing) {
  // Property: send() says kFull at the bound, a record of any size fits in an empty buffer, and
  // after a step there is room again; no record is lost or doubled.
  MemoryLog small(clock, {.producer_buffer_bytes = 10});
  small.create_topic({"t", 1, {}});
  Client worker(small);
  auto producer = worker.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  const SinkTopic t = producer->topic("t");
  EXPECT_EQ(producer->send(t, Partition(0), text("", "a bit more than ten")), SendResult::kSent);
  EXPECT_EQ(producer->send(t, Partition(0), text("", "x")), SendResult::kFull);
  small.step();
  EXPECT_EQ(producer->send(t, Partition(0), text("", "12345")), SendResult::kSent);
  EXPECT_EQ(producer->send(t, Partition(0), text("", "678901")), SendResult::kFull);
  EXPECT_TRUE(worker.flush_and_commit(*producer).ok());
  EXPECT_EQ(values(small.read_all("t", Partition(0), Isolation::kReadCommitted)),
            "a bit more than ten 12345");
}

TEST_F(MemoryProducerTest, AbortsDropWhatWasNotDelivered) {
  // Property: records that wait in the client when the abort comes never reach the log.
  auto producer = client.producer("p");
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "t", 0, "a");
  EXPECT_TRUE(client.abort(*producer).ok());
  EXPECT_EQ(uncommitted(), "");
}

TEST_F(MemoryProducerTest, DestroyedProducersLeaveTheirTransactionOpen) {
  // Property: destroying a producer ends nothing; its transaction holds readers back until the next
  // init of the id, or the time-out.
  for (const bool by_init : {true, false}) {
    auto producer = client.producer("p", 5s);
    ASSERT_TRUE(producer->begin().ok());
    client.send(*producer, "t", 0, "x");
    ASSERT_TRUE(client.flush(*producer).ok());
    producer.reset();
    client.settle();
    EXPECT_LT(log.last_stable_offset("t", Partition(0)), log.end_offset("t", Partition(0)));
    if (by_init) {
      client.producer("p");
    } else {
      clock.advance(5s);
      client.settle();
    }
    EXPECT_EQ(log.last_stable_offset("t", Partition(0)), log.end_offset("t", Partition(0)));
  }
  EXPECT_EQ(committed(), "");
}

TEST_F(MemoryProducerTest, TheSameTopicGivesTheSameHandle) {
  // Property: handles are per name.
  auto producer = client.producer("p");
  EXPECT_EQ(producer->topic("t"), producer->topic("t"));
  EXPECT_NE(producer->topic("t"), producer->topic("u"));
}

TEST_F(MemoryProducerTest, ATopicThatIsCreatedAgainIsFoundAgain) {
  // Property: a handle names a topic; deleted and created again within a transaction, it is written
  // to anew, and nothing stays open in the new one.
  auto producer = client.producer("p");
  auto admin = log.make_admin(client.inbox());
  ASSERT_TRUE(producer->begin().ok());
  client.send(*producer, "t", 0, "before");
  ASSERT_TRUE(client.flush(*producer).ok());
  admin->submit_delete_topics(client.next_id(), {"t"});
  client.settle();
  log.create_topic({"t", 1, {}});
  client.send(*producer, "t", 0, "after");
  EXPECT_TRUE(client.flush_and_commit(*producer).ok());
  EXPECT_EQ(committed(), "after");
  EXPECT_EQ(log.last_stable_offset("t", Partition(0)), Offset(2));
}

TEST_F(MemoryProducerTest, EpochsAreNeverEqual) {
  // Property: every object that sends events has an epoch of its own.
  std::set<Epoch> epochs;
  auto a = client.new_producer("p");
  auto b = client.new_producer("p");
  auto reader = log.make_reader({}, client.inbox());
  auto admin = log.make_admin(client.inbox());
  auto membership = log.make_membership({.group = "g"}, client.inbox());
  for (const Epoch epoch :
       {a->epoch(), b->epoch(), reader->epoch(), admin->epoch(), membership->epoch()}) {
    EXPECT_TRUE(epochs.insert(epoch).second);
  }
}

}  // namespace
}  // namespace millrace::log::memory
