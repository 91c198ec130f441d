// Compaction with a table of keys that is far too small: it takes more passes, and comes to the same; how
// a pass is stopped, and what it leaves free on a disk.
#include "log/journal/compaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <ostream>
#include <random>

#include "log/journal/segment_format.h"
#include "streams/log/journal/journal_harness.h"
#include "streams/log/journal/watched_files.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

using testing::HasSubstr;

const std::string kDirectory = "/data/journal";
const std::pair<std::string, std::string> kAlways{"min.cleanable.dirty.ratio", "0"};
const PartitionKey kTable{TopicId(1), Partition(0)};
const PartitionKey kFiller{TopicId(2), Partition(0)};

struct Written {
  Offset offset;
  std::string key;
  OptionalBytes value;
  friend bool operator==(const Written&, const Written&) = default;
  friend void PrintTo(const Written& w, std::ostream* out) {
    *out << w.key << (w.value ? "@" : " gone @") << w.offset.value();
  }
};
using Table = std::map<std::string, std::string>;

void fold(const std::vector<Written>& records, Table& table) {
  for (const Written& record : records) {
    if (record.value) {
      table[record.key] = *record.value;
    } else {
      table.erase(record.key);
    }
  }
}

class CompactionTest : public testing::Test {
 protected:
  void open(std::size_t key_memory, std::map<std::string, std::string> config) {
    journal.options.segment_bytes = 3000;
    journal.options.key_memory = key_memory;
    ASSERT_TRUE(journal.open().ok());
    config["cleanup.policy"] = "compact";
    ASSERT_TRUE(journal.make_topic("table", 1, config).ok());
    ASSERT_TRUE(journal.make_topic("filler", 1, {{"retention.ms", "-1"}}).ok());
  }

  void append(const std::vector<std::pair<std::string, OptionalBytes>>& records) {
    RecordEncoder encoder;
    const Offset base = journal.next(kTable);
    std::int32_t delta = 0;
    for (const auto& [key, value] : records) {
      encoder.add(delta, key, value ? OptionalBytesView(*value) : std::nullopt, journal.clock.now(),
                  Headers::none());
      all.push_back({base + delta++, key, value});
    }
    Frame frame;
    frame.batches.push_back({kTable, base, base + (delta + 1), delta, journal.clock.now(),
                             encoder.max_timestamp(), encoder.bytes()});
    ASSERT_TRUE(journal.append(frame).ok());
    ASSERT_TRUE(journal.store->sync().ok());
  }
  // Effect: everything appended lies in sealed segments.
  void seal() {
    for (int i = 0; i < 3; ++i)
      ASSERT_TRUE(journal.write({{kFiller, {std::string(2900, 'f')}}}).ok());
    ASSERT_TRUE(journal.store->sync().ok());
  }

  // One step; false: there is nothing to do. Small pieces, so that there are moments between.
  bool clean_some() {
    const auto more = journal.store->clean(journal.catalog, journal.clock.now(), 1);
    EXPECT_TRUE(more.ok()) << more.status().message();
    return more.ok() && more.value();
  }
  int clean() {
    int steps = 0;
    while (clean_some() && !HasFailure()) {
      if (++steps > 10'000) {
        ADD_FAILURE() << "cleaning never ends";
        break;
      }
    }
    return steps;
  }

  std::vector<Written> left(Offset from = Offset(0)) const {
    std::vector<Written> records;
    for (;;) {
      auto found = journal.store->find(kTable, from);
      EXPECT_TRUE(found.ok()) << found.status().message();
      if (!found.ok() || !found.value()) return records;
      auto batch = journal.store->read(*found.value());
      EXPECT_TRUE(batch.ok()) << batch.status().message();
      if (!batch.ok()) return records;
      RecordDecoder decoder(batch.value().base, batch.value().encoded);
      RecordView record;
      while (decoder.next(record)) {
        if (record.offset < from) continue;
        records.push_back({record.offset, std::string(*record.key),
                           record.value ? OptionalBytes(*record.value) : std::nullopt});
      }
      from = batch.value().next;
    }
  }
  // The last record of each key.
  std::vector<Written> last_ones(bool tombstones) const {
    std::map<std::string, const Written*> newest;
    for (const Written& record : all) newest[record.key] = &record;
    std::vector<Written> last;
    for (const auto& [key, record] : newest) {
      if (tombstones || record->value) last.push_back(*record);
    }
    std::ranges::sort(last, {}, &Written::offset);
    return last;
  }
  // Whoever has read everything below an offset and goes on now has the same table in the end.
  void check_folds() const {
    Table whole;
    fold(all, whole);
    for (std::size_t i = 0; i <= all.size(); i += 1 + all.size() / 5) {
      const Offset from = i < all.size() ? all[i].offset : journal.next(kTable);
      Table table;
      fold({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i)}, table);
      fold(left(from), table);
      ASSERT_EQ(table, whole) << "from " << from.value();
    }
  }

  SimulatedFileSystem disk{1};
  std::function<void(std::string_view, const std::string&)> watch = [](auto, const auto&) {};
  WatchedFileSystem files{[this](auto operation, const auto& path) { watch(operation, path); },
                          disk};
  JournalHarness journal{files, kDirectory};
  std::vector<Written> all;
};

class SmallTableTest : public CompactionTest, public testing::WithParamInterface<unsigned> {};

TEST_P(SmallTableTest, PassesComeToTheLastRecordOfEachKey) {
  // Property: with room for any few keys, after enough passes each key has its last record and no
  // other; at any moment between passes, a reader anywhere comes to the fold of the whole log.
  const unsigned seed = GetParam();
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  open(58 * (1 + below(12)), {{"delete.retention.ms", "100000"}, kAlways});
  int passes = 0;
  for (int round = 0; round < 3; ++round) {
    for (int frame = 0; frame < 40; ++frame) {
      std::vector<std::pair<std::string, OptionalBytes>> records;
      for (unsigned count = 1 + below(12); count > 0; --count) {
        records.emplace_back("key" + std::to_string(below(70)), std::nullopt);
        if (below(4) != 0)
          records.back().second = std::to_string(all.size() + count) + Bytes(below(80), 'v');
      }
      append(records);
      if (below(8) == 0 && clean_some()) check_folds();
      ASSERT_FALSE(HasFailure());
    }
    seal();
    while (clean_some() && ++passes < 10'000) {
      check_folds();
      ASSERT_FALSE(HasFailure());
    }
    ASSERT_LT(passes, 10'000) << "cleaning never ends";
    if (below(2) == 0) {
      ASSERT_TRUE(journal.open().ok());
    }
  }
  // A little that is dirty makes it go over all of it once more.
  journal.clock.advance(Duration(1));
  for (int i = 0; i < 60; ++i) append({{"key" + std::to_string(i), Bytes(100, 'w')}});
  seal();
  clean();
  EXPECT_EQ(left(), last_ones(true));
  journal.clock.advance(Duration(100'000));
  for (int i = 0; i < 60; ++i) append({{"key" + std::to_string(i), Bytes(100, 'x')}});
  seal();
  clean();
  EXPECT_EQ(left(), last_ones(false));
}

INSTANTIATE_TEST_SUITE_P(Seeds, SmallTableTest, testing::Range(1u, 13u));

TEST_F(CompactionTest, WhatATableCannotHoldIsTakenOnHoweverLittleItIs) {
  // The ratio is for what no pass has looked at.
  open(58 * 20, {{"min.cleanable.dirty.ratio", "0.9"}});
  for (int i = 0; i < 1000; ++i) append({{"key" + std::to_string(i * i % 997), Bytes(20, 'v')}});
  seal();
  EXPECT_GT(clean(), 20);
  std::uint64_t copied = 0;
  for (const auto& [path, content] : disk.contents()) {
    if (!path.ends_with(".copies")) continue;
    const auto trailer = read_trailer(BytesView(content).substr(content.size() - kTrailerSize));
    ASSERT_TRUE(trailer);
    SegmentPages pages;
    ASSERT_TRUE(read_pages(BytesView(content).substr(trailer->pages_at, trailer->pages_size),
                           *trailer, pages));
    copied += pages.at(kTable).bytes;
    EXPECT_EQ(pages.at(kTable).dirty, 0u) << path;
  }
  EXPECT_GT(copied, 10'000u);
}

TEST_F(CompactionTest, ALongBatchIsTakenInParts) {
  open(58 * 10, {kAlways});
  std::vector<std::pair<std::string, OptionalBytes>> many;
  for (int i = 0; i < 200; ++i) many.emplace_back("key" + std::to_string(i % 90), Bytes("v"));
  append(many);
  append(many);
  seal();
  EXPECT_GT(clean(), 5);
  EXPECT_EQ(left(), last_ones(true));
}

TEST_F(CompactionTest, WhatIsTooYoungIsNotCopiedAgainAndAgain) {
  open(58 * 1000, {{"min.compaction.lag.ms", "1000"}, kAlways});
  for (int i = 0; i < 100; ++i) append({{"key" + std::to_string(i % 5), Bytes(60, 'v')}});
  seal();
  EXPECT_EQ(clean(), 0);
  EXPECT_EQ(left().size(), 100u);
  journal.clock.advance(Duration(999));
  for (int i = 0; i < 100; ++i) append({{"key" + std::to_string(i % 5), Bytes(60, 'v')}});
  seal();
  EXPECT_EQ(clean(), 0);
  journal.clock.advance(Duration(1));
  EXPECT_GT(clean(), 0);
  EXPECT_EQ(left().size(), 105u);
}

TEST_F(CompactionTest, StoppedItTouchesAtMostOneBatchMoreAndLeavesNothing) {
  // Whatever it was doing: the read at which it is stopped is the last.
  open(58 * 1000, {});
  for (int i = 0; i < 300; ++i) append({{"key" + std::to_string(i % 250), Bytes(60, 'v')}});
  seal();
  const auto before = disk.contents();
  int at = 1;
  for (;; ++at) {
    SCOPED_TRACE(at);
    ASSERT_TRUE(journal.open().ok());
    int reads = 0;
    int syncs = 0;
    watch = [&](std::string_view operation, const std::string&) {
      if (operation == "read" && ++reads == at) journal.store->stop_cleaning();
      if (operation == "sync" && reads >= at) ++syncs;
    };
    const auto more = journal.store->clean(journal.catalog, journal.clock.now(),
                                           std::numeric_limits<std::uint64_t>::max());
    ASSERT_TRUE(more.ok()) << more.status().message();
    if (reads < at) break;  // it was done before
    EXPECT_EQ(reads, at);
    EXPECT_EQ(syncs, 0);
    EXPECT_FALSE(more.value());
    watch = [](auto, const auto&) {};
    EXPECT_EQ(left(), all);
    auto after = disk.contents();
    for (const auto& [path, content] : before) {
      if (path.ends_with(".segment")) {
        EXPECT_EQ(after.at(path), content) << path;
      }
      after.erase(path);
    }
    EXPECT_TRUE(after.empty()) << after.begin()->first;
  }
  EXPECT_GT(at, 20);
}

TEST_F(CompactionTest, WithLittleRoomItWaitsAndLeavesASegmentFree) {
  open(58 * 1000, {});
  for (int i = 0; i < 300; ++i) append({{"key" + std::to_string(i % 10), Bytes(60, 'v')}});
  seal();
  const auto used = [&] {
    std::uint64_t bytes = 0;
    for (const auto& [path, content] : disk.contents()) bytes += content.size();
    return bytes;
  };
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  watch = [&](std::string_view operation, const std::string& path) {
    if (operation == "sync") least = std::min(least, disk.free_bytes(path).value());
  };
  int put_off = 0;
  for (std::uint64_t room = 0; left() == all; room += 500) {
    ASSERT_LT(room, 100'000u);
    disk.set_room(used() + room);
    const auto more = journal.store->clean(journal.catalog, journal.clock.now(), 1 << 30);
    if (more.ok()) continue;
    ++put_off;
    EXPECT_EQ(more.status().consequence(), Consequence::kRetry);
    EXPECT_THAT(more.status().message(), HasSubstr("needs room"));
    EXPECT_EQ(left(), all);
  }
  EXPECT_GT(put_off, 5);
  EXPECT_GE(least, 3000u - 1500u);  // but for the index and a batch at the end of a file
}

TEST(KeyDigest, IsAUuidOfVersion5) {
  // RFC 4122 in the namespace of zeros, as other programs compute it.
  const auto hex = [](BytesView key) {
    std::string text;
    for (const std::uint8_t byte : digest_of(key).bytes) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  };
  EXPECT_EQ(hex("a"), "35b65f33a6795e76af3c273ea349ede4");
  EXPECT_EQ(hex(""), "e129f27c51035c5c844bcdf0a15e160d");
}

}  // namespace
}  // namespace millrace::log::journal
