// The journal log: what it brings back after it was closed, and what it does that other logs do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "streams/log/journal/journal_log_fixture.h"

namespace millrace::log::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using Values = JournalClient::Values;

TEST_F(JournalLogTest, EverythingCommittedIsThereAgain) {
  client->create_topic("a", 2, {{"max.message.bytes", "2000"}});
  auto out = client->producer("p");
  client->begin_with(*out, a, {"0", "1"});
  client->must(client->commit(*out, {{a, Offset(7), "metadata"}}, "g"));
  client->commit_values(*out, a, {"3"});
  out.reset();
  reopen();
  EXPECT_THAT(client->read(a), ElementsAre(Pair(0, "0"), Pair(1, "1"), Pair(3, "3")));
  EXPECT_EQ(client->last_position(), Offset(5));
  EXPECT_EQ(client->committed("g", a).offset, Offset(7));
  EXPECT_EQ(client->committed("g", a).metadata, "metadata");
  const OperationId id = client->next();
  client->admin().submit_describe_topics(id, {"a"});
  const auto described = std::get<TopicsDescribed>(client->wait(id).what).topics.at(0);
  EXPECT_EQ(described.partitions, 2);
  EXPECT_EQ(described.max_message_bytes, 2000);
}

TEST_F(JournalLogTest, WhatWasNotCommittedIsNot) {
  client->create_topic("a", 1);
  auto out = client->producer("p");
  client->commit_values(*out, a, {"kept"});
  client->begin_with(*out, a, {"open"});
  out.reset();
  reopen();
  EXPECT_THAT(client->read(a, {}, Isolation::kReadUncommitted), ElementsAre(Pair(0, "kept")));
}

TEST_F(JournalLogTest, AnOffsetThatAReaderPassedIsNeverGivenOutAgain) {
  // The position behind an aborted record may be committed: a record at that offset would be lost.
  client->create_topic("a", 1);
  auto out = client->producer("p");
  client->begin_with(*out, a, {"aborted", "aborted"});
  client->must(client->abort(*out));
  client->until("the aborted records to be passed", [&] {
    EXPECT_THAT(client->read(a), IsEmpty());
    return client->last_position() == Offset(3);
  });
  out.reset();
  reopen();
  auto again = client->producer("p");
  client->commit_values(*again, a, {"new"});
  EXPECT_THAT(client->read(a, Offset(3)), ElementsAre(Pair(3, "new")));
}

TEST_F(JournalLogTest, RecordsThatLeftMemoryAreReadFromDisk) {
  // From every offset, whatever of it is in memory, over many segments.
  close();
  options.tail_bytes = 4096;
  options.segment_bytes = 16384;
  open();
  client->create_topic("a", 1);
  auto out = client->producer("p");
  Values expected;
  const std::string filler(90, 'x');
  for (int transaction = 0; transaction < 120; ++transaction) {
    std::vector<std::string> values;
    for (int i = 0; i <= transaction % 7; ++i) {
      values.push_back(std::to_string(transaction) + '.' + std::to_string(i) + filler);
    }
    const Offset base = client->list(OffsetKind::kEnd, a);
    for (const std::string& value : values)
      expected.emplace_back(base.value() + (&value - values.data()), value);
    client->commit_values(*out, a, values);
  }
  EXPECT_EQ(client->read(a), expected);
  for (const int from : {1, 2, 33, 250, 500, static_cast<int>(expected.back().first)}) {
    Values rest = expected;
    std::erase_if(rest, [&](const auto& record) { return record.first < from; });
    EXPECT_EQ(client->read(a, Offset(from)), rest) << from;
  }
  out.reset();
  reopen();
  EXPECT_EQ(client->read(a), expected);
}

TEST_F(JournalLogTest, WhatWasDeletedStaysDeleted) {
  client->create_topic("a", 1);
  auto out = client->producer("p");
  client->commit_values(*out, a, {"0", "1", "2", "3"});
  client->must(client->run([&](OperationId id) {
    client->admin().submit_delete_records(id, {{a, Offset(3)}});
  }));
  out.reset();
  reopen();
  EXPECT_EQ(client->list(OffsetKind::kStart, a), Offset(3));
  EXPECT_THAT(client->read(a), ElementsAre(Pair(3, "3")));
}

TEST_F(JournalLogTest, RetentionLetsGoWhatIsTooMuchAndTellsWhoStandsThere) {
  close();
  options.segment_bytes = 4096;
  options.tail_bytes = 0;
  options.cleaner_interval = Duration(5);
  open();
  client->create_topic("a", 1, {{"retention.bytes", "10000"}});
  auto out = client->producer("p");
  auto reader = log->make_reader({}, client->inbox());
  const ReaderPartition index = reader->start(a, Offset(0));
  for (int i = 0; i < 60; ++i) client->commit_values(*out, a, {std::string(1000, 'x')});
  client->until("retention", [&] { return client->list(OffsetKind::kStart, a) > Offset(40); });
  RecordBatch batch;
  Event event;
  client->until("the refusal", [&] {
    reader->drain(index, 100, batch);
    EXPECT_TRUE(batch.empty());
    return client->inbox().pop(event) && std::holds_alternative<OffsetOutOfRange>(event.what);
  });
  reader.reset();
  out.reset();
  close();
  options.cleaner_interval = Duration(1'000'000);  // the start stands still for what follows
  open();
  const Offset start = client->list(OffsetKind::kStart, a);
  EXPECT_GT(start, Offset(40));
  const Values left = client->read(a);
  EXPECT_GT(left.size(), 5u);
  EXPECT_EQ(left.size(), static_cast<std::size_t>((Offset(120) - start + 1) / 2));
}

TEST_F(JournalLogTest, CompactionKeepsTheLastRecordOfEachKeyAtItsOffset) {
  close();
  options.segment_bytes = 4096;
  options.tail_bytes = 0;
  options.cleaner_interval = Duration(5);
  open();
  client->create_topic("a", 1, {{"cleanup.policy", "compact"}});
  auto out = client->producer("p");
  Values last;
  for (int i = 0; i < 300; ++i) {
    const Offset offset = client->list(OffsetKind::kEnd, a);
    client->must(out->begin());
    client->send(*out, a, std::to_string(i) + std::string(100, 'x'),
                 "key " + std::to_string(i % 7));
    client->must(client->flush(*out));
    client->must(client->commit(*out));
    if (i >= 293) last.emplace_back(offset.value(), std::to_string(i) + std::string(100, 'x'));
  }
  client->until("compaction", [&] { return client->read(a).size() < 100; });
  const auto keeps_the_last = [&] {
    const Values values = client->read(a);
    const auto found = std::ranges::search(values, last);
    return !found.empty() && found.end() == values.end();
  };
  EXPECT_TRUE(keeps_the_last());
  out.reset();
  reopen();
  EXPECT_TRUE(keeps_the_last());
  EXPECT_EQ(client->last_position(), Offset(600));
}

TEST_F(JournalLogTest, TheFirstRecordOfATimeIsFound) {
  client->create_topic("a", 1);
  auto out = client->producer("p");
  const auto write = [&](const std::vector<std::int64_t>& stamps) {
    client->must(out->begin());
    for (const std::int64_t ms : stamps) {
      (void)out->send(out->topic("a"), Partition(0),
                      {.key = "k", .value = "v", .timestamp = from_ms(ms)});
    }
    client->must(client->flush(*out));
    client->must(client->commit(*out));
  };
  write({100, 50, 300});  // offsets 0 to 2
  write({200, 400});      // 4 and 5
  const auto offset_at = [&](std::int64_t ms) {
    const auto found = log->offset_for_time(a, from_ms(ms));
    EXPECT_TRUE(found.ok()) << found.status().message();
    return found.ok() ? found.value().value() : -1;
  };
  EXPECT_EQ(offset_at(0), 0);
  EXPECT_EQ(offset_at(100), 0);
  EXPECT_EQ(offset_at(101), 2);
  EXPECT_EQ(offset_at(301), 5);
  EXPECT_EQ(offset_at(401), 7);  // none: the end
  client->must(client->run([&](OperationId id) {
    client->admin().submit_delete_records(id, {{a, Offset(1)}});
  }));
  EXPECT_EQ(offset_at(60), 2);
  EXPECT_EQ(log->offset_for_time(b, from_ms(0)).status().consequence(), Consequence::kRetry);
}

TEST_F(JournalLogTest, ATopicThatWasDeletedIsNotThereAfterwards) {
  client->create_topic("a", 1);
  auto out = client->producer("p");
  client->begin_with(*out, a, {"old"});
  client->must(client->commit(*out, {{a, Offset(1), ""}}, "g"));
  client->must(
      client->run([&](OperationId id) { client->admin().submit_delete_topics(id, {"a"}); }));
  client->create_topic("a", 1);
  EXPECT_EQ(client->committed("g", a).offset, kNoOffset);
  out.reset();
  reopen();
  EXPECT_EQ(client->list(OffsetKind::kEnd, a), Offset(0));
  EXPECT_THAT(client->read(a), IsEmpty());
}

TEST_F(JournalLogTest, ATransactionOfADeletedTopicCommitsTheRest) {
  client->create_topic("a", 1);
  client->create_topic("b", 1);
  auto out = client->producer("p");
  client->must(out->begin());
  client->send(*out, a, "gone with its topic");
  client->send(*out, b, "kept");
  client->must(client->flush(*out));
  client->must(
      client->run([&](OperationId id) { client->admin().submit_delete_topics(id, {"a"}); }));
  client->must(client->commit(*out));
  EXPECT_THAT(client->read(b), ElementsAre(Pair(0, "kept")));
}

TEST_F(JournalLogTest, TheJournalsOwnTopicIsNobodys) {
  const Status status = client->run([&](OperationId id) {
    client->admin().submit_create_topics(id, {{"__millrace_parked", 1, {}}});
  });
  EXPECT_THAT(status.message(), HasSubstr("the journal's own"));
}

TEST_F(JournalLogTest, ATransactionMayNotGrowBeyondItsLimit) {
  close();
  options.max_transaction_bytes = 10'000;
  open();
  client->create_topic("a", 1);
  auto out = client->producer("p");
  client->must(out->begin());
  for (int i = 0; i < 20; ++i) client->send(*out, a, std::string(1000, 'x'));
  const Status status = client->flush(*out);
  EXPECT_EQ(status.consequence(), Consequence::kAbort);
  client->must(client->abort(*out));
  client->commit_values(*out, a, {"small"});
  EXPECT_EQ(client->read(a).size(), 1u);
}

TEST_F(JournalLogTest, ADirectoryIsOneProcesss) {
  const auto second = JournalLog::open(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().consequence(), Consequence::kFatal);
  EXPECT_THAT(second.status().message(), HasSubstr(std::to_string(::getpid())));
}

class JournalSyncTest : public JournalLogTest, public testing::WithParamInterface<Sync> {};

TEST_P(JournalSyncTest, EverythingAnsweredIsThereAgainInEveryMode) {
  close();
  options.sync = GetParam();
  open();
  client->create_topic("a", 1);
  auto out = client->producer("p");
  for (int i = 0; i < 10; ++i) client->commit_values(*out, a, {std::to_string(i)});
  EXPECT_EQ(client->read(a).size(), 10u);
  out.reset();
  reopen();
  EXPECT_EQ(client->read(a).size(), 10u);
}

INSTANTIATE_TEST_SUITE_P(Modes, JournalSyncTest,
                         testing::Values(Sync::kCommit, Sync::kWindow, Sync::kOff));

}  // namespace
}  // namespace millrace::log::journal
