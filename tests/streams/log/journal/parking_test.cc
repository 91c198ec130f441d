// Commits behind transactions that are open still: durable at once, in their places later, each once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "streams/log/journal/journal_log_fixture.h"

namespace millrace::log::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Values = JournalClient::Values;
using ParkingTest = JournalLogTest;

TEST_F(ParkingTest, ACommitDoesNotWaitForAnOpenTransactionBelowIt) {
  // It is parked; and in its place once the other has ended.
  client->create_topic("a", 1);
  auto slow = client->producer("slow");
  auto quick = client->producer("quick");
  client->begin_with(*slow, a, {"slow"});
  client->commit_values(*quick, a, {"quick"});
  client->commit_values(*quick, a, {"quicker"});
  EXPECT_THAT(client->read(a), IsEmpty());
  client->must(client->commit(*slow));
  const Values expected = {{0, "slow"}, {1, "quick"}, {3, "quicker"}};
  EXPECT_EQ(client->read(a), expected);
  slow.reset();
  quick.reset();
  reopen();
  EXPECT_EQ(client->read(a), expected);
}

TEST_F(ParkingTest, WhatIsParkedWhenTheJournalClosesIsInItsPlaceAfterwards) {
  client->create_topic("a", 2);
  client->create_topic("b", 1);
  const TopicPartition a1{"a", Partition(1)};
  auto slow = client->producer("slow");
  auto quick = client->producer("quick");
  client->begin_with(*slow, a, {"never committed"});
  client->must(quick->begin());
  client->send(*quick, a, "1");
  client->send(*quick, a1, "0");
  client->must(client->flush(*quick));
  client->send(*quick, a, "2");
  client->must(client->flush(*quick));
  client->must(client->commit(*quick, {{b, Offset(9), "m"}}, "g"));
  EXPECT_EQ(client->committed("g", b).offset, Offset(9));
  client->commit_values(*quick, a, {"4"});
  slow.reset();
  quick.reset();
  for (int times = 0; times < 3; ++times) {
    reopen();
    EXPECT_THAT(client->read(a), ElementsAre(Pair(1, "1"), Pair(2, "2"), Pair(4, "4")));
    EXPECT_THAT(client->read(a1), ElementsAre(Pair(0, "0")));
    EXPECT_EQ(client->list(OffsetKind::kEnd, a), Offset(6));
    EXPECT_EQ(client->committed("g", b).offset, Offset(9));
  }
  auto again = client->producer("quick");
  client->commit_values(*again, a, {"6"});
  EXPECT_THAT(client->read(a).back(), Pair(6, "6"));
}

TEST_F(ParkingTest, WhatWasParkedAndIsInItsPlaceIsNotPlacedAgain) {
  // Its record stays in the journal's own topic as long as an older one is parked.
  client->create_topic("a", 1);
  client->create_topic("b", 1);
  auto slow_a = client->producer("slow a");
  auto slow_b = client->producer("slow b");
  auto quick = client->producer("quick");
  client->begin_with(*slow_a, a, {"never committed"});
  client->begin_with(*slow_b, b, {"slow"});
  client->commit_values(*quick, a, {"parked first"});
  client->commit_values(*quick, b, {"parked second"});
  client->must(client->commit(*slow_b));
  const Values expected = {{0, "slow"}, {1, "parked second"}};
  EXPECT_EQ(client->read(b), expected);
  slow_a.reset();
  slow_b.reset();
  quick.reset();
  for (int times = 0; times < 3; ++times) {
    reopen();
    EXPECT_THAT(client->read(a), ElementsAre(Pair(1, "parked first")));
    EXPECT_EQ(client->read(b), expected);
  }
}

TEST_F(ParkingTest, MuchMoreThanAFrameHoldsIsParkedWhenTheJournalCloses) {
  close();
  options.max_transaction_bytes = 10'000;
  open();
  client->create_topic("a", 1);
  client->create_topic("b", 1);
  auto slow = client->producer("slow");
  auto quick = client->producer("quick");
  client->begin_with(*slow, a, {"never committed"});
  Values expected;
  for (int i = 0; i < 20; ++i) {
    const std::string value = std::to_string(i) + std::string(5'000, 'x');
    expected.emplace_back(1 + 2 * i, value);
    client->must(quick->begin());
    client->send(*quick, a, value);
    client->send(*quick, b, "small");
    client->must(client->flush(*quick));
    client->must(client->commit(*quick));
  }
  slow.reset();
  quick.reset();
  for (int times = 0; times < 3; ++times) {
    reopen();
    EXPECT_EQ(client->read(a), expected);
    EXPECT_EQ(client->read(b).size(), expected.size());
  }
}

TEST_F(ParkingTest, MuchMoreThanAFrameHoldsWaitsForOneTransaction) {
  close();
  options.max_transaction_bytes = 10'000;
  open();
  client->create_topic("a", 1);
  auto slow = client->producer("slow");
  auto quick = client->producer("quick");
  client->begin_with(*slow, a, {"slow"});
  Values expected = {{0, "slow"}};
  for (int i = 0; i < 20; ++i) {
    expected.emplace_back(1 + 2 * i, std::to_string(i) + std::string(5'000, 'x'));
    client->commit_values(*quick, a, {expected.back().second});
  }
  client->must(client->commit(*slow));
  client->until("everything to be in its place", [&] { return client->read(a) == expected; });
}

TEST_F(ParkingTest, InWhateverOrderTransactionsEndEachIsThereOnceInItsPlace) {
  // Three producers that flush often, into two partitions, and end in any order; in between the journal
  // is closed, whatever is open or parked then.
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    const std::string topic = "t" + std::to_string(seed);
    client->create_topic(topic, 2);
    std::set<std::string> committed;
    for (int life = 0; life < 3; ++life) {
      struct Writer {
        std::unique_ptr<LogProducer> producer;
        std::vector<std::string> values;
        bool open = false;
      };
      std::vector<Writer> writers(3);
      for (Writer& w : writers)
        w.producer = client->producer("p" + std::to_string(&w - writers.data()));
      for (int step = 0; step < 30; ++step) {
        Writer& w = writers[below(3)];
        if (!w.open) client->must(w.producer->begin());
        w.open = true;
        if (const unsigned what = below(8); what < 5) {
          w.values.push_back(std::to_string(life) + '.' + std::to_string(step));
          client->send(*w.producer, {topic, Partition(static_cast<std::int32_t>(below(2)))},
                       w.values.back());
          client->must(client->flush(*w.producer));
          continue;
        } else if (what < 7) {
          client->must(client->commit(*w.producer));
          committed.insert(w.values.begin(), w.values.end());
        } else {
          client->must(client->abort(*w.producer));
        }
        w.values.clear();
        w.open = false;
      }
      writers.clear();
      reopen();
      std::multiset<std::string> found;
      for (const int p : {0, 1}) {
        Offset last(-1);
        for (const auto& [offset, value] : client->read({topic, Partition(p)})) {
          EXPECT_GT(Offset(offset), last);
          last = Offset(offset);
          found.insert(value);
        }
      }
      ASSERT_EQ(found, std::multiset<std::string>(committed.begin(), committed.end()));
    }
  }
}

TEST_F(ParkingTest, AParkedTransactionGoesToItsPlaceWhenTheOpenOneTimesOut) {
  client->create_topic("a", 1);
  auto slow = client->producer("slow", Duration(300));
  auto quick = client->producer("quick");
  client->begin_with(*slow, a, {"slow"});
  client->commit_values(*quick, a, {"quick"});
  client->until("the time-out", [&] { return !client->read(a).empty(); });
  EXPECT_THAT(client->read(a), ElementsAre(Pair(1, "quick")));
  EXPECT_EQ(client->commit(*slow).consequence(), Consequence::kFenced);
}

TEST_F(ParkingTest, TransactionsThatPrecedeEachOtherCommitTogether) {
  // Each has an offset below one of the other: no order of theirs would do.
  client->create_topic("a", 1);
  auto one = client->producer("one");
  auto two = client->producer("two");
  client->must(one->begin());
  client->must(two->begin());
  for (int i = 0; i < 3; ++i) {
    client->send(*one, a, "one");
    client->must(client->flush(*one));
    client->send(*two, a, "two");
    client->must(client->flush(*two));
  }
  const OperationId first = client->next();
  one->submit_commit(first, {}, {});
  client->must(client->commit(*two));
  const Values expected = {{0, "one"}, {1, "two"}, {2, "one"}, {3, "two"}, {4, "one"}, {5, "two"}};
  EXPECT_EQ(client->read(a), expected);
  one.reset();
  two.reset();
  reopen();
  EXPECT_EQ(client->read(a), expected);
}

}  // namespace
}  // namespace millrace::log::journal
