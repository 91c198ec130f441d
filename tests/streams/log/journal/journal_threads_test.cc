// The journal log under several threads at once: what each producer committed comes to each reader, in
// its order, once; what was aborted never does. (Run it under the thread sanitizer, too.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "streams/log/journal/journal_client.h"
#include "support/temporary_directory.h"

namespace millrace::log::journal {
namespace {

constexpr int kProducers = 4;
constexpr int kReaders = 3;
constexpr int kPartitions = 3;
constexpr int kTransactions = 120;

// "producer transaction number".
std::string value_of(int producer, int transaction, int number) {
  return std::to_string(producer) + ' ' + std::to_string(transaction) + ' ' +
         std::to_string(number);
}

// What a producer committed, by partition.
using Committed = std::vector<std::vector<std::string>>;

// One worker's life: transactions of one or two flushes over some partitions; each fifth is aborted, and
// once in a while the producer is replaced in the middle of one.
Committed produce(Log& log, int producer, unsigned seed) {
  std::mt19937 random(seed);
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  JournalClient client(log);
  const std::string id = "p" + std::to_string(producer);
  auto out = client.producer(id);
  Committed committed(kPartitions);
  for (int t = 0; t < kTransactions; ++t) {
    client.must(out->begin());
    std::vector<std::pair<std::size_t, std::string>> sent;
    const int flushes = one_in(3) ? 2 : 1;
    for (int flush = 0; flush < flushes; ++flush) {
      for (auto i = random() % 5; i > 0; --i) {
        const auto p = random() % kPartitions;
        sent.emplace_back(p, value_of(producer, t, static_cast<int>(sent.size())));
        client.send(*out, {"t", Partition(static_cast<std::int32_t>(p))}, sent.back().second);
      }
      client.must(client.flush(*out));
    }
    if (one_in(20)) {
      out = client.producer(id);  // the old one's transaction is aborted
    } else if (one_in(5)) {
      client.must(client.abort(*out));
    } else {
      client.must(client.commit(*out, {{{"t", Partition(0)}, Offset(t), ""}}, id));
      for (auto& [p, value] : sent) committed[p].push_back(std::move(value));
    }
  }
  EXPECT_EQ(client.committed(id, {"t", Partition(1)}).offset, kNoOffset);
  return committed;
}

// What a reader saw, by partition and producer.
using Seen = std::vector<std::map<char, std::vector<std::string>>>;

Seen consume(Log& log, const std::atomic<bool>& finished, bool starts_again) {
  JournalClient client(log);
  auto reader = log.make_reader({}, client.inbox());
  Seen seen(kPartitions);
  std::vector<ReaderPartition> indexes;
  std::vector<Offset> last(kPartitions, kNoOffset);
  for (int p = 0; p < kPartitions; ++p)
    indexes.push_back(reader->start({"t", Partition(p)}, Offset(0)));
  RecordBatch batch;
  for (int round = 0;; ++round) {
    const bool last_round = finished.load();
    bool at_end = true;
    for (std::size_t p = 0; p < kPartitions; ++p) {
      if (starts_again && round % 50 == 7) {
        const Offset at = reader->position(indexes[p]);
        reader->stop(indexes[p]);
        indexes[p] = reader->start({"t", Partition(static_cast<std::int32_t>(p))}, at);
      }
      reader->drain(indexes[p], 10, batch);
      for (const RecordView& record : batch) {
        EXPECT_GT(record.offset, last[p]);
        last[p] = record.offset;
        seen[p][record.value->front()].emplace_back(*record.value);
      }
      at_end = at_end && batch.empty() && reader->caught_up(indexes[p]);
    }
    Event event;
    while (client.inbox().pop(event)) EXPECT_TRUE(event.status.ok()) << event.status.message();
    if (last_round && at_end) return seen;
    if (at_end) client.inbox().wait(Duration(5));
  }
}

class JournalThreadsTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(JournalThreadsTest, EveryReaderSeesWhatWasCommittedInOrderAndOnce) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  TemporaryDirectory directory;
  const JournalOptions options{.directory = directory.path() / "journal",
                               .segment_bytes = std::uint64_t{64} << 10,
                               .tail_bytes = GetParam(),
                               .cleaner_interval = Duration(3)};
  Committed expected[kProducers];
  const auto check = [&](const Seen& seen) {
    for (std::size_t p = 0; p < kPartitions; ++p) {
      for (std::size_t producer = 0; producer < kProducers; ++producer) {
        const auto of = seen[p].find(static_cast<char>('0' + producer));
        EXPECT_EQ(of == seen[p].end() ? std::vector<std::string>() : of->second,
                  expected[producer][p]);
      }
    }
  };
  std::atomic<bool> finished = false;
  {
    const auto log = open_or_throw(options);
    JournalClient(*log).create_topic("t", kPartitions);
    Seen seen[kReaders];
    std::vector<std::jthread> readers;
    for (int r = 0; r < kReaders; ++r)
      readers.emplace_back([&, r] { seen[r] = consume(*log, finished, r == 0); });
    {
      std::vector<std::jthread> producers;
      for (unsigned p = 0; p < kProducers; ++p) {
        producers.emplace_back(
            [&, p] { expected[p] = produce(*log, static_cast<int>(p), seed + p); });
      }
    }
    // What the last ones left open ends with their ids.
    for (int p = 0; p < kProducers; ++p)
      (void)JournalClient(*log).producer("p" + std::to_string(p));
    finished = true;
    readers.clear();
    for (const Seen& one : seen) check(one);
  }
  const auto log = open_or_throw(options);
  check(consume(*log, finished, false));
}

INSTANTIATE_TEST_SUITE_P(TailBytes, JournalThreadsTest, testing::Values(0, 2000, 1 << 20));

}  // namespace
}  // namespace millrace::log::journal
