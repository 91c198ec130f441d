// Retention, deletion and compaction: what goes, what stays, and that a crash changes nothing of it.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "log/journal/batch_reader.h"
#include "log/journal/verify.h"
#include "streams/log/journal/journal_harness.h"
#include "streams/log/journal/watched_files.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

using Config = std::map<std::string, std::string>;

const std::string kDirectory = "/data/journal";
const Config kCompact{{"cleanup.policy", "compact"}};
const Config kForEver{{"retention.ms", "-1"}};
constexpr Duration kDay = std::chrono::hours(24);

struct CleanerTest : testing::Test {
  SimulatedFileSystem files{1};
  JournalHarness journal{files, kDirectory};

  void SetUp() override {
    journal.options.segment_bytes = 2000;
    ASSERT_TRUE(journal.open().ok());
  }

  void write(PartitionKey where, const std::vector<std::string>& values) {
    const Status written = journal.write({{where, values}});
    ASSERT_TRUE(written.ok()) << written.message();
    ASSERT_TRUE(journal.store->sync().ok());
  }
  void fill(PartitionKey where, int frames) {
    for (int i = 0; i < frames; ++i)
      write(where, {"k" + std::to_string(i % 5) + std::string(90, '=')});
  }
  void deletion(PartitionKey where, Offset below) {
    Frame frame;
    frame.deletions.push_back({where, below});
    ASSERT_TRUE(journal.append(frame).ok());
    ASSERT_TRUE(journal.store->sync().ok());
  }
  // What retention lets go, as the log does it.
  std::size_t expire() {
    Status failure;
    Frame frame;
    frame.deletions = journal.store->expired(journal.catalog, journal.clock.now(), failure);
    EXPECT_TRUE(failure.ok()) << failure.message();
    if (!frame.deletions.empty()) {
      EXPECT_TRUE(journal.append(frame).ok());
    }
    EXPECT_TRUE(journal.store->sync().ok());
    return frame.deletions.size();
  }
  void clean(std::uint64_t budget = 1 << 20) {
    for (int i = 0; i < 1000; ++i) {
      auto more = journal.store->clean(journal.catalog, journal.clock.now(), budget);
      ASSERT_TRUE(more.ok()) << more.status().message();
      if (!more.value()) return;
    }
    FAIL() << "cleaning never ends";
  }
  Offset start(PartitionKey where) const {
    return journal.catalog.find(where.topic)
        ->partitions.at(static_cast<std::size_t>(where.partition.value()))
        .start;
  }
  std::uint64_t on_disk() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, content] : files.contents()) bytes += content.size();
    return bytes;
  }
};

TEST_F(CleanerTest, RetentionByTimeLetsTheOldestGo) {
  ASSERT_TRUE(journal.make_topic("week", 1).ok());
  ASSERT_TRUE(journal.make_topic("for-ever", 1, kForEver).ok());
  fill(place(1, 0), 30);
  fill(place(2, 0), 30);
  journal.clock.advance(3 * kDay);
  fill(place(1, 0), 30);
  EXPECT_EQ(expire(), 0u);
  journal.clock.advance(4 * kDay + Duration(1));
  EXPECT_EQ(expire(), 1u);
  EXPECT_EQ(start(place(1, 0)), Offset(60));
  EXPECT_EQ(start(place(2, 0)), Offset(0));
  const std::uint64_t before = on_disk();
  clean();
  EXPECT_LT(on_disk(), before - 4000);
  EXPECT_EQ(journal.read_all(place(1, 0), Offset(60)).size(), 30u);
  EXPECT_EQ(journal.read_all(place(2, 0)).size(), 30u);
  EXPECT_EQ(expire(), 0u);
  journal.clock.advance(30 * kDay);
  EXPECT_EQ(expire(), 1u);
  EXPECT_EQ(start(place(1, 0)), journal.next(place(1, 0)));
}

TEST_F(CleanerTest, RetentionBySizeKeepsAtLeastThatMuch) {
  ASSERT_TRUE(
      journal.make_topic("t", 2, {{"retention.ms", "-1"}, {"retention.bytes", "3000"}}).ok());
  fill(place(1, 0), 60);
  fill(place(1, 1), 5);
  EXPECT_EQ(expire(), 1u);
  clean();
  EXPECT_EQ(start(place(1, 1)), Offset(0));
  const auto left = journal.read_all(place(1, 0), start(place(1, 0)));
  EXPECT_GE(left.size() * 170, 3000u);
  EXPECT_LT(left.size() * 150, 3400u);
  EXPECT_EQ(expire(), 0u);
}

TEST_F(CleanerTest, DeletedRecordsAndTopicsGiveTheirSpaceBack) {
  ASSERT_TRUE(journal.make_topic("a", 1, kForEver).ok());
  ASSERT_TRUE(journal.make_topic("b", 1, kForEver).ok());
  for (int i = 0; i < 40; ++i) {
    write(place(1, 0), {"k=" + std::string(100, 'a')});
    write(place(2, 0), {"k=" + std::string(100, 'b')});
  }
  const auto kept = journal.read_all(place(2, 0));
  const std::uint64_t full = on_disk();
  deletion(place(1, 0), Offset(70));
  clean();
  const std::uint64_t less = on_disk();
  EXPECT_LT(less, full - 3000);
  EXPECT_EQ(journal.read_all(place(1, 0), Offset(70)).size(), 5u);
  EXPECT_EQ(journal.read_all(place(2, 0)), kept);
  Frame frame;
  frame.topics_deleted.push_back(TopicId(2));
  ASSERT_TRUE(journal.append(frame).ok());
  ASSERT_TRUE(journal.store->sync().ok());
  clean();
  EXPECT_LT(on_disk(), less - 4000);
  EXPECT_TRUE(journal.read_all(place(2, 0)).size() < 20);  // what the last segment still holds
  EXPECT_EQ(journal.store->bytes(), [&] {
    std::uint64_t bytes = 0;
    for (const auto& [path, content] : files.contents()) {
      if (path.ends_with(".segment") || path.ends_with(".copies")) bytes += content.size();
    }
    return bytes;
  }());
}

TEST_F(CleanerTest, ATopicYoungerThanTheCatalogIsNotTakenForDeleted) {
  ASSERT_TRUE(journal.make_topic("old", 1, kForEver).ok());
  fill(place(1, 0), 30);
  const Catalog before = journal.catalog;
  ASSERT_TRUE(journal.make_topic("young", 1, kForEver).ok());
  fill(place(2, 0), 60);
  deletion(place(1, 0), Offset(60));
  Catalog mixed = before;
  Frame frame;
  frame.deletions.push_back({place(1, 0), Offset(60)});
  ASSERT_FALSE(mixed.apply(frame));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(journal.store->clean(mixed, journal.clock.now(), 1 << 20).ok());
  }
  EXPECT_EQ(journal.read_all(place(2, 0)).size(), 60u);
}

// Copies that hold a topic which the cleaner did not know yet are taken with the next ones that it does
// know; what lies between them must not be passed by.
TEST_F(CleanerTest, CopiesOfAPartitionStayInTheOrderOfItsOffsets) {
  ASSERT_TRUE(journal.make_topic("k", 1, kCompact).ok());
  ASSERT_TRUE(journal.make_topic("d", 1, kForEver).ok());
  const Catalog old = journal.catalog;
  Config young = kCompact;
  young["min.compaction.lag.ms"] = "1000000000";  // is taken along, and no reason for a pass
  ASSERT_TRUE(journal.make_topic("t", 1, young).ok());
  const auto round = [&](std::initializer_list<int> topics) {
    for (int i = 0; i < 30; ++i) {
      for (const int topic : topics) fill(place(topic, 0), 1);
    }
  };
  const auto clean_by = [&](const Catalog& catalog) {
    const auto before = journal.read_all(place(2, 0));
    for (bool more = true; more;) {
      const auto cleaned = journal.store->clean(catalog, journal.clock.now(), 1 << 20);
      ASSERT_TRUE(cleaned.ok()) << cleaned.status().message();
      more = cleaned.value();
    }
    EXPECT_EQ(journal.read_all(place(2, 0)), before);
  };
  round({1, 2, 3});
  clean_by(old);
  round({1, 2});
  clean_by(old);
  round({1, 2, 3});
  clean_by(journal.catalog);
  const auto all = journal.read_all(place(2, 0));
  EXPECT_EQ(all.size(), 90u);
  journal.close();
  ASSERT_TRUE(journal.open().ok());
  EXPECT_EQ(journal.read_all(place(2, 0)), all);
}

TEST_F(CleanerTest, TheNewestOfEachKeyStaysAtItsOffset) {
  ASSERT_TRUE(journal.make_topic("table", 1, kCompact).ok());
  const PartitionKey where = place(1, 0);
  fill(where, 100);
  const Offset next = journal.next(where);
  const auto all = journal.read_all(where);
  clean();
  const auto left = journal.read_all(where);
  EXPECT_LT(left.size(), 40u);  // the last segment is not touched
  EXPECT_EQ((Values(left.end() - 5, left.end())), (Values(all.end() - 5, all.end())));
  ASSERT_TRUE(journal.open().ok());
  EXPECT_EQ(journal.read_all(where), left);
  EXPECT_EQ(journal.next(where), next);
}

TEST_F(CleanerTest, TombstonesStayForTheirTimeAndThenGo) {
  // Property: a reader that saw a value has delete.retention.ms from the compaction that took it to
  // see the tombstone.
  ASSERT_TRUE(
      journal
          .make_topic("table", 1, {{"cleanup.policy", "compact"}, {"delete.retention.ms", "1000"}})
          .ok());
  const PartitionKey where = place(1, 0);
  write(where, {"gone=1"});
  RecordEncoder encoder;
  encoder.add(0, "gone", std::nullopt, journal.clock.now(), Headers::none());
  Frame frame;
  frame.batches.push_back({where, Offset(2), Offset(4), 1, journal.clock.now(),
                           encoder.max_timestamp(), encoder.bytes()});
  ASSERT_TRUE(journal.append(frame).ok());
  const auto has_tombstone = [&] {
    auto found = journal.store->find(where, Offset(2));
    return found.value()->base == Offset(2);
  };
  journal.clock.advance(Duration(5000));  // older than its time, but never compacted
  fill(where, 40);
  clean();
  EXPECT_TRUE(has_tombstone());
  EXPECT_EQ(journal.store->find(where, Offset(0)).value()->base, Offset(2));  // the value went
  journal.clock.advance(Duration(999));
  fill(where, 100);
  clean();
  EXPECT_TRUE(has_tombstone());
  journal.clock.advance(Duration(1));
  fill(where, 200);
  clean();
  EXPECT_FALSE(has_tombstone());
}

TEST_F(CleanerTest, RecordsYoungerThanTheLagStay) {
  ASSERT_TRUE(journal
                  .make_topic("table", 1,
                              {{"cleanup.policy", "compact"}, {"min.compaction.lag.ms", "1000"}})
                  .ok());
  const PartitionKey where = place(1, 0);
  fill(where, 40);
  clean();
  EXPECT_EQ(journal.read_all(where).size(), 40u);
  journal.clock.advance(Duration(1000));
  fill(where, 80);
  clean();
  const auto left = journal.read_all(where);
  EXPECT_EQ(left.size(), 85u);  // five of the old ones, all of the young
}

TEST_F(CleanerTest, CompactAndDeleteDoBoth) {
  ASSERT_TRUE(
      journal.make_topic("t", 1, {{"cleanup.policy", "compact,delete"}, {"retention.ms", "1000"}})
          .ok());
  const PartitionKey where = place(1, 0);
  write(where, {"old=1"});
  journal.clock.advance(Duration(2000));
  fill(where, 60);
  EXPECT_EQ(expire(), 1u);
  clean();
  const auto left = journal.read_all(where);
  EXPECT_LT(left.size(), 30u);
  EXPECT_GE(left.front().first, Offset(2));
}

TEST_F(CleanerTest, WhatIsGoneStaysGoneWhenOlderSegmentsGoLater) {
  // Property: the manifest never goes back behind a segment that was taken away.
  ASSERT_TRUE(journal.make_topic("kept", 1, kForEver).ok());
  ASSERT_TRUE(journal.make_topic("gone", 1, kForEver).ok());
  fill(place(1, 0), 30);
  fill(place(2, 0), 30);
  deletion(place(2, 0), journal.next(place(2, 0)));
  clean();
  deletion(place(1, 0), Offset(56));
  clean();
  ASSERT_TRUE(journal.open().ok());
  EXPECT_EQ(journal.read_all(place(1, 0), Offset(56)).size(), 2u);
}

TEST_F(CleanerTest, WhatSomebodyHoldsCanBeRead) {
  ASSERT_TRUE(journal.make_topic("table", 1, kCompact).ok());
  const PartitionKey where = place(1, 0);
  fill(where, 60);
  const auto location = *journal.store->find(where, Offset(0)).value();
  clean();
  ASSERT_FALSE(files.contents().contains(location.segment->path()));
  auto batch = journal.store->read(location);
  ASSERT_TRUE(batch.ok()) << batch.status().message();
  EXPECT_EQ(batch.value().base, Offset(0));
}

TEST_F(CleanerTest, WithoutRoomNothingChanges) {
  ASSERT_TRUE(journal.make_topic("table", 1, kCompact).ok());
  fill(place(1, 0), 60);
  const auto before = files.contents();
  const auto all = journal.read_all(place(1, 0));
  for (std::uint64_t room = 0; room < 1200; room += 100) {
    files.set_room(on_disk() + room);
    const Status status = journal.store->clean(journal.catalog, journal.clock.now(), 1).status();
    if (status.ok()) break;
    EXPECT_EQ(status.consequence(), Consequence::kRetry) << status.message();
    EXPECT_EQ(files.contents(), before);
    EXPECT_EQ(journal.read_all(place(1, 0)), all);
  }
  files.set_room(std::nullopt);
  clean();
  EXPECT_LT(journal.read_all(place(1, 0)).size(), 30u);
}

// Whoever writes may have filled the disk before the manifest is written; the copies go then.
TEST(CleanerAtTheEnd, WithoutRoomForItsManifestLeavesNothing) {
  SimulatedFileSystem files(1);
  bool is_full = false;
  const auto fill_up = [&](std::string_view operation, const std::string& path) {
    const bool places_manifest = operation == "append" && path.find("manifest") != Bytes::npos;
    if (is_full && places_manifest) files.set_room(0);
  };
  WatchedFileSystem watched(fill_up, files);
  JournalHarness journal(watched, kDirectory);
  journal.options.segment_bytes = 2000;
  ASSERT_TRUE(journal.open().ok());
  ASSERT_TRUE(journal.make_topic("table", 1, kCompact).ok());
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(
        journal.write({{place(1, 0), {"k" + std::to_string(i % 5) + Bytes(90, '=')}}}).ok());
    ASSERT_TRUE(journal.store->sync().ok());
  }
  const auto before = files.contents();
  is_full = true;
  const auto cleaned = journal.store->clean(journal.catalog, journal.clock.now(), 1 << 20);
  ASSERT_FALSE(cleaned.ok());
  EXPECT_EQ(cleaned.status().consequence(), Consequence::kRetry) << cleaned.status().message();
  EXPECT_EQ(files.contents(), before);
}

// --- random lives --------------------------------------------------------------------------------

// A compacted topic, a plain one, one that goes; cleaned with any budget; the power may go at any
// operation.
class Life {
 public:
  explicit Life(std::uint64_t seed) : random_(seed), files_(seed) {
    journal_.options.segment_bytes = 500 + pick(3000);
    if (pick(2) == 0) journal_.options.key_memory = pick(300);  // for five keys at most
  }

  void run() {
    open();
    ASSERT_TRUE(journal_.make_topic("table", 2, kCompact).ok());
    ASSERT_TRUE(journal_.make_topic("plain", 1, kForEver).ok());
    ASSERT_TRUE(journal_.store->sync().ok());
    for (int i = 0; i < 150 && !testing::Test::HasFailure(); ++i) step();
    files_.cut_power_in(0);
    if (files_.off() || !journal_.store) restart();
    check();
    journal_.close();
    auto verified = verify(kDirectory, files_);
    ASSERT_TRUE(verified.ok()) << verified.status().message();
    for (const Finding& found : verified.value().damaged) {
      ADD_FAILURE() << found.file << " " << found.at << " " << found.what;
    }
  }
  int cleaned() const { return cleaned_; }
  int cut() const { return cut_; }

 private:
  struct Written {
    Offset offset;
    std::string key;
    OptionalBytes value;
    friend bool operator==(const Written&, const Written&) = default;
  };

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  void open() {
    const Status opened = journal_.open();
    if (!files_.off()) {
      ASSERT_TRUE(opened.ok()) << opened.message();
    }
  }

  void restart() {
    ++cut_;
    files_.cut_power();
    journal_.close();
    files_.restart();
    open();
  }

  void step() {
    const std::uint64_t what = pick(100);
    if (what < 75) {
      write();
    } else if (what < 90) {
      auto more = journal_.store->clean(journal_.catalog, journal_.clock.now(), 1 + pick(2000));
      if (more.ok()) {
        cleaned_ += more.value() ? 1 : 0;
      } else if (!files_.off()) {
        FAIL() << more.status().message();
      }
    } else if (what < 93) {
      files_.cut_power_in(1 + static_cast<int>(pick(30)));
    } else if (what < 96) {
      journal_.clock.advance(Duration(pick(40'000'000)));
    } else if (what < 98) {
      Frame frame;
      frame.deletions.push_back(
          {kPlain, Offset(static_cast<std::int64_t>(
                       pick(static_cast<std::uint64_t>(journal_.next(kPlain).value() + 1))))});
      settle(frame);
    } else {
      check();
    }
    if (files_.off()) {
      restart();
      check();
    }
  }

  // Appends and syncs. Where the power goes meanwhile, the frame may be there or not. Returns whether
  // its records are.
  bool settle(const Frame& frame) {
    Status status = journal_.append(frame);
    if (status.ok()) status = journal_.store->sync();
    if (status.ok() && !files_.off()) return true;
    restart();
    return std::ranges::all_of(frame.batches, [&](const FrameBatch& batch) {
      return journal_.next(batch.where) >= batch.next;
    });
  }

  void write() {
    const PartitionKey where = kAll[pick(3)];
    RecordEncoder encoder;
    std::vector<Written> written;
    const Offset base = journal_.next(where);
    std::int32_t delta = 0;
    for (std::uint64_t count = 1 + pick(4); count > 0;
         --count, delta += 1 + static_cast<std::int32_t>(pick(2))) {
      Written record{base + delta, "key" + std::to_string(pick(6)), std::nullopt};
      if (pick(4) != 0) record.value = std::to_string(++unique_) + Bytes(pick(60), 'v');
      encoder.add(delta, record.key, record.value ? OptionalBytesView(*record.value) : std::nullopt,
                  from_ms(unique_), Headers::none());
      written.push_back(std::move(record));
    }
    Frame frame;
    frame.batches.push_back({where, base, base + (delta + 1), encoder.records(),
                             journal_.clock.now(), encoder.max_timestamp(), encoder.bytes()});
    if (settle(frame)) {
      auto& all = model_[where];
      all.insert(all.end(), written.begin(), written.end());
    }
  }

  std::vector<Written> read(PartitionKey where, Offset from) const {
    std::vector<Written> all;
    for (;;) {
      auto found = journal_.store->find(where, from);
      EXPECT_TRUE(found.ok()) << found.status().message();
      if (!found.ok() || !found.value()) return all;
      auto batch = journal_.store->read(*found.value());
      EXPECT_TRUE(batch.ok()) << batch.status().message();
      if (!batch.ok()) return all;
      RecordDecoder decoder(batch.value().base, batch.value().encoded);
      RecordView record;
      while (decoder.next(record)) {
        if (record.offset < from) continue;
        all.push_back({record.offset, std::string(*record.key),
                       record.value ? OptionalBytes(*record.value) : std::nullopt});
      }
      from = batch.value().next;
    }
  }

  static std::map<std::string, std::string> fold(const std::vector<Written>& records) {
    std::map<std::string, std::string> table;
    for (const Written& record : records) {
      record.value ? (void)(table[record.key] = *record.value) : (void)table.erase(record.key);
    }
    return table;
  }

  void check() {
    for (const PartitionKey where : {kAll[0], kAll[1]}) {
      const auto left = read(where, Offset(0));
      const auto& all = model_[where];
      ASSERT_EQ(fold(left), fold(all)) << "the fold has changed";
      for (const Written& record : left) {
        ASSERT_NE(std::ranges::find(all, record), all.end()) << "a record moved or changed";
      }
      ASSERT_TRUE(std::ranges::is_sorted(left, {}, &Written::offset));
    }
    const Offset start = journal_.catalog.find("plain")->partitions[0].start;
    auto plain = model_[kPlain];
    std::erase_if(plain, [&](const Written& record) { return record.offset < start; });
    ASSERT_EQ(read(kPlain, start).size(), plain.size());
    ASSERT_TRUE(read(kPlain, start) == plain);
  }

  static constexpr PartitionKey kPlain{TopicId(2), Partition(0)};
  static constexpr PartitionKey kAll[] = {
      {TopicId(1), Partition(0)}, {TopicId(1), Partition(1)}, kPlain};

  std::mt19937_64 random_;
  SimulatedFileSystem files_;
  JournalHarness journal_{files_, kDirectory};
  std::map<PartitionKey, std::vector<Written>> model_;
  std::int64_t unique_ = 0;
  int cleaned_ = 0;
  int cut_ = 0;
};

TEST(JournalCleaning, KeepsTheFoldAndTheOffsetsWhateverHappens) {
  // Property: the fold of a compacted partition is that of everything ever written to it, and each
  // record that is left is one that was written, at its offset; a plain partition loses nothing that
  // was not deleted; at any moment, after power cuts at any operation.
  const char* given = std::getenv("MILLRACE_SEED");
  const char* count = std::getenv("MILLRACE_CASES");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const std::uint64_t cases = given != nullptr   ? 1
                              : count != nullptr ? std::strtoull(count, nullptr, 10)
                                                 : 1000;
  int cleaned = 0;
  int cut = 0;
  for (std::uint64_t seed = first; seed < first + cases; ++seed) {
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    Life life(seed);
    life.run();
    cleaned += life.cleaned();
    cut += life.cut();
    if (testing::Test::HasFailure()) return;
  }
  std::printf("steps of cleaning %d, power cuts %d\n", cleaned, cut);
  EXPECT_TRUE(given != nullptr || (cleaned > 100 && cut > 100));
}

}  // namespace
}  // namespace millrace::log::journal
