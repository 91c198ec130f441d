// Parking under load and at its limit: a hung transaction holds up no other commit, however much the
// writer has to do; and what waits behind it does not grow without bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "streams/log/journal/journal_harness.h"
#include "streams/log/journal/journal_log_fixture.h"
#include "streams/log/journal/watched_files.h"

namespace millrace::log::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const TopicPartition kA{"a", Partition(0)};
const TopicPartition kB{"b", Partition(0)};

// Producers that keep a writer busy: while it syncs what one has committed, another commits. (Three: it
// syncs what it parks, too, and then finds two commits.)
class Busy {
 public:
  static constexpr int kMost = 400;

  explicit Busy(JournalClient& client)
      : client_(client),
        producers_{client.producer("0"), client.producer("1"), client.producer("2")} {}
  void start() { commit(1); }
  // On the writer's thread.
  void while_it_syncs() {
    if (stopped_ || rounds_ == kMost) return;
    Event event;
    while (client_.inbox().pop(event)) {
      if (event.operation >= kCommit) is_ready_[event.operation.value() - kCommit.value()] = true;
    }
    for (const int i : {0, 1, 2}) {
      if (!is_ready_[i]) continue;
      ++rounds_;
      return commit(i);
    }
  }
  // Effect: takes part in nothing any more, once the writer has done something else.
  void stop() { stopped_ = true; }
  int rounds() const { return rounds_; }

 private:
  void commit(int i) {
    LogProducer& producer = *producers_[i];
    is_ready_[i] = false;
    JournalClient::must(producer.begin());
    JournalClient::send(producer, kB, "busy");
    producer.submit_flush(kFlush);
    producer.submit_commit(OperationId(kCommit.value() + i), {}, {});
  }

  static constexpr OperationId kFlush{1};
  static constexpr OperationId kCommit{100};  // and the producer's number

  JournalClient& client_;
  const std::unique_ptr<LogProducer> producers_[3];
  bool is_ready_[3] = {true, true, true};
  std::atomic<bool> stopped_ = false;
  std::atomic<int> rounds_ = 0;
};

TEST(ParkingLoadTest, AWriterThatAlwaysHasSomethingToDoParksAllTheSame) {
  const TemporaryDirectory directory;
  std::atomic<Busy*> busy = nullptr;
  WatchedFileSystem files([&](std::string_view operation, const std::string& path) {
    Busy* const now = busy;
    if (now != nullptr && operation == "sync" && path.find(".segment") != std::string::npos)
      now->while_it_syncs();
  });
  const auto log = open_or_throw({.directory = directory.path() / "journal"}, {.files = files});
  JournalClient client(*log);
  JournalClient other(*log);
  client.create_topic("a", 1);
  client.create_topic("b", 1);
  auto slow = client.producer("slow");
  auto quick = client.producer("quick");
  client.begin_with(*slow, kA, {"slow"});
  client.commit_values(*quick, kA, {"parked, so that all know that it takes long"});
  client.begin_with(*quick, kA, {"quick"});
  Busy load(other);
  busy = &load;
  load.start();
  client.must(client.commit(*quick));
  EXPECT_LT(load.rounds(), Busy::kMost);
  client.until("it to be busy", [&] { return load.rounds() == Busy::kMost; });
  load.stop();
  client.create_topic("passed", 1);  // it has come by
  busy = nullptr;
  EXPECT_THAT(client.read(kA), IsEmpty());
  client.must(client.commit(*slow));
  EXPECT_EQ(client.read(kA).size(), 3u);
}

class ParkingLimitTest : public testing::Test {
 protected:
  const TemporaryDirectory directory;
  CollectingLogger logger;
  std::unique_ptr<JournalLog> log = open_or_throw(
      {.directory = directory.path() / "journal", .max_parked_bytes = 3000}, {.logger = logger});
  JournalClient client{*log};
};

TEST_F(ParkingLimitTest, WhatIsBeyondItWaitsUnansweredAndIsNotLost) {
  client.create_topic("a", 1);
  client.create_topic("b", 1);
  auto slow = client.producer("slow");
  auto quick = client.producer("quick");
  auto more = client.producer("more");
  auto others = client.producer("others");
  client.begin_with(*slow, kA, {"slow"});
  client.commit_values(*quick, kA, {std::string(2000, '1')});
  EXPECT_GT(log->parked_bytes(), 2000u);
  client.begin_with(*more, kA, {std::string(2000, '2')});
  const OperationId waits = client.next();
  more->submit_commit(waits, {}, {});
  // Each of these is written in a round of the writer that could park, too.
  JournalClient second(*log);
  auto bystander = second.producer("bystander");
  for (int i = 0; i < 20; ++i) second.commit_values(*bystander, kB, {"not concerned"});
  EXPECT_LT(log->parked_bytes(), 3000u);
  EXPECT_TRUE(client.inbox().empty());
  client.until("the warning", [&] { return !logger.warnings().empty(); });
  EXPECT_THAT(logger.warnings(), HasSubstr("transactional id slow"));
  EXPECT_EQ(std::ranges::count(logger.warnings(), '\n'), 1);
  slow->submit_commit(client.next(), {}, {});
  client.must(client.wait(waits).status);
  client.until("all to be in place", [&] { return client.read(kA).size() == 3; });
  EXPECT_EQ(log->parked_bytes(), 0u);
}

TEST_F(ParkingLimitTest, OneTransactionIsParkedHoweverLargeItIs) {
  client.create_topic("a", 1);
  auto slow = client.producer("slow");
  auto quick = client.producer("quick");
  client.begin_with(*slow, kA, {"slow"});
  client.commit_values(*quick, kA, {std::string(9000, '1')});
  EXPECT_GT(log->parked_bytes(), 9000u);
}

TEST_F(ParkingLimitTest, WhatWaitsGoesOnWhenTheOpenOneTimesOut) {
  client.create_topic("a", 1);
  auto slow = client.producer("slow", Duration(400));
  auto quick = client.producer("quick");
  auto more = client.producer("more");
  client.begin_with(*slow, kA, {"slow"});
  client.commit_values(*quick, kA, {std::string(2000, '1')});
  client.commit_values(*more, kA, {std::string(2000, '2')});
  client.until("all to be in place", [&] { return client.read(kA).size() == 2; });
}

}  // namespace
}  // namespace millrace::log::journal
