// Flipped and cut files, wrong directories, wrong rights: the right answer or a refusal that names
// the file and the byte; never a wrong answer.
#include <gtest/gtest.h>

#include <random>

#include "log/journal/crc32c.h"
#include "log/journal/segment_format.h"
#include "millrace/detail/encoding.h"
#include "streams/log/journal/journal_harness.h"
#include "support/simulated_file_system.h"

namespace millrace::log::journal {
namespace {

const std::string kDirectory = "/data/journal";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Built {
  std::map<std::string, std::string> files;
  std::vector<Values> values;        // by partition, of everything written
  std::vector<std::size_t> durable;  // how many of them were acknowledged
};

enum class How { kUnsynced, kSynced, kCleaned };

// Three partitions over several segments. Unsynced: the last frames are written and not synced.
// Cleaned: most of what else there was went, so that there are copies and a manifest.
Built build(How how) {
  const bool synced = how != How::kUnsynced;
  SimulatedFileSystem files(1);
  JournalHarness journal(files, kDirectory);
  journal.options.segment_bytes = 1500;
  EXPECT_TRUE(journal.open().ok());
  EXPECT_TRUE(journal.make_topic("t", 3).ok());
  EXPECT_TRUE(journal.make_topic("gone", 1).ok());
  Built built;
  built.values.resize(3);
  for (int i = 0; i < 40; ++i) {
    const int partition = i % 3;
    const PartitionKey where = place(1, partition);
    const std::string value = "k=" + std::to_string(i) + std::string(80, 'v');
    built.values[static_cast<std::size_t>(partition)].emplace_back(journal.next(where), value);
    EXPECT_TRUE(journal.write({{where, {value}}}, {{"g", where, Offset(i), ""}}).ok());
    if (how == How::kCleaned) {
      EXPECT_TRUE(journal.write({{place(2, 0), {"k=" + std::string(200, 'g')}}}).ok());
    }
    if (i < 37 || synced) {
      EXPECT_TRUE(journal.store->sync().ok());
      built.durable.assign(3, 0);
      for (std::size_t j = 0; j < 3; ++j) built.durable[j] = built.values[j].size();
    }
  }
  if (how == How::kCleaned) {
    Frame frame;
    frame.topics_deleted.push_back(TopicId(2));
    EXPECT_TRUE(journal.append(frame).ok());
    EXPECT_TRUE(journal.store->sync().ok());
    for (bool more = true; more;) {
      auto cleaned = journal.store->clean(journal.catalog, journal.clock.now(), 1 << 20);
      EXPECT_TRUE(cleaned.ok());
      more = cleaned.ok() && cleaned.value();
    }
    EXPECT_TRUE(files.contents().contains(kDirectory + "/0000000001.copies"));
  }
  built.files = files.contents();
  journal.close();
  if (synced) built.files = files.contents();
  built.files.erase(kDirectory + "/lock");
  return built;
}

struct Outcome {
  Status opened;
  Status read;  // the first refusal of a read
  bool named = false;
  std::vector<Values> values{3};
};

Outcome open_and_read(const std::map<std::string, std::string>& content) {
  SimulatedFileSystem files(2);
  EXPECT_FALSE(files.create_directories(kDirectory));
  for (const auto& [path, bytes] : content) files.put(path, bytes);
  JournalHarness journal(files, kDirectory);
  Outcome outcome;
  outcome.opened = journal.open();
  if (!outcome.opened.ok()) return outcome;
  outcome.named = !journal.set_aside.empty();
  for (int partition = 0; partition < 3; ++partition) {
    Values& values = outcome.values[static_cast<std::size_t>(partition)];
    for (Offset from(0);;) {
      auto found = journal.store->find(place(1, partition), from);
      if (!found.ok()) outcome.read = found.status();
      if (!found.ok() || !found.value()) break;
      auto batch = journal.store->read(*found.value());
      if (!batch.ok()) {
        outcome.read = batch.status();
        break;
      }
      RecordDecoder decoder(batch.value().base, batch.value().encoded);
      RecordView record;
      while (decoder.next(record)) values.emplace_back(record.offset, *record.value);
      from = batch.value().next;
    }
  }
  return outcome;
}

bool is_prefix(const Values& some, const Values& all) {
  return some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin());
}

// What one damaged file may lead to. `cut`: it was cut, perhaps between two frames, where nothing is
// left that could be named.
void judge(const Built& built, const Outcome& outcome, const std::string& path, bool cut) {
  const Status& refused = outcome.opened.ok() ? outcome.read : outcome.opened;
  if (!refused.ok()) {
    EXPECT_EQ(refused.consequence(), Consequence::kFatal);
    EXPECT_TRUE(contains(refused.message(), path) && contains(refused.message(), " at byte "))
        << refused.message();
  }
  if (!outcome.opened.ok()) return;
  bool all = true;
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(is_prefix(outcome.values[i], built.values[i])) << "an answer that is wrong";
    all = all && outcome.values[i].size() == built.values[i].size();
    if (outcome.read.ok()) {
      ASSERT_GE(outcome.values[i].size(), built.durable[i]) << "acknowledged and silently gone";
    }
  }
  EXPECT_TRUE(all || cut || outcome.named || !outcome.read.ok()) << "cut and not named";
}

TEST(JournalDamage, OneFlippedBitOrCutFileIsNeverAWrongAnswer) {
  // Property: 6,000 times one bit flipped or one file cut: the right answer, a refusal with file and
  // byte, or a named cut of frames that were never acknowledged.
  std::mt19937_64 random(3);
  int refused = 0;
  int right = 0;
  int cut = 0;
  for (const How how : {How::kUnsynced, How::kSynced, How::kCleaned}) {
    const Built built = build(how);
    ASSERT_GT(built.files.size(), 3u);
    ASSERT_TRUE(open_and_read(built.files).opened.ok());
    for (int i = 0; i < 2000; ++i) {
      auto files = built.files;
      auto file = std::next(files.begin(), static_cast<std::ptrdiff_t>(random() % files.size()));
      std::string& bytes = file->second;
      if (random() % 4 == 0) {
        bytes.resize(random() % bytes.size());
      } else {
        char& byte = bytes[random() % bytes.size()];
        byte = static_cast<char>(byte ^ (1 << random() % 8));
      }
      SCOPED_TRACE(file->first + " of " + std::to_string(bytes.size()) + " bytes, case " +
                   std::to_string(i));
      const Outcome outcome = open_and_read(files);
      judge(built, outcome, file->first, bytes.size() < built.files.at(file->first).size());
      if (testing::Test::HasFailure()) return;
      ++(!outcome.opened.ok() || !outcome.read.ok() ? refused : outcome.named ? cut : right);
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(right, 100);
  EXPECT_GT(cut, 50);
  std::printf("refused %d, right %d, cut and named %d\n", refused, right, cut);
}

TEST(JournalDamage, AMissingFileIsSeen) {
  // Property: without one segment the journal is refused; without `synced` it opens if all is whole.
  const Built built = build(How::kSynced);
  for (const auto& [path, bytes] : built.files) {
    auto files = built.files;
    files.erase(path);
    const Outcome outcome = open_and_read(files);
    if (path.ends_with("synced")) {
      EXPECT_TRUE(outcome.opened.ok()) << outcome.opened.message();
      EXPECT_EQ(outcome.values, built.values);
    } else {
      EXPECT_EQ(outcome.opened.consequence(), Consequence::kFatal);
      EXPECT_TRUE(contains(outcome.opened.message(), ".segment at byte"))
          << outcome.opened.message();
    }
  }
}

// A journal that was synced for the last time when `synced` was as in `old_mark`, as far as that file
// knows: a power cut may leave it behind the truth.
struct Lagging {
  std::string old_mark;
  std::map<std::string, std::string> files;

  explicit Lagging(std::uint64_t segment_bytes) {
    SimulatedFileSystem disk(1);
    JournalHarness journal(disk, kDirectory);
    journal.options.segment_bytes = segment_bytes;
    EXPECT_TRUE(journal.open().ok());
    EXPECT_TRUE(journal.make_topic("t", 1).ok());
    EXPECT_TRUE(journal.store->sync().ok());
    old_mark = disk.contents().at(kDirectory + "/synced");
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(journal.write({{place(1, 0), {"k=" + std::to_string(i)}}}).ok());
      EXPECT_TRUE(journal.store->sync().ok());
    }
    files = disk.contents();
    files.at(kDirectory + "/synced") = old_mark;
  }
};

TEST(JournalDamage, FramesSayThatThoseBeforeThemWereDurable) {
  // Property: what a later frame knows to be durable is damage, not a torn tail, also where the file
  // `synced` lags.
  Lagging lagging(1 << 20);
  std::string& bytes = lagging.files.at(kDirectory + "/0000000001.segment");
  const std::size_t at = bytes.find("k=7");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'q';
  const Outcome outcome = open_and_read(lagging.files);
  EXPECT_TRUE(contains(outcome.opened.message(), "frames behind it say that it was durable"))
      << outcome.opened.message();
  bytes[at] = 'k';
  EXPECT_TRUE(open_and_read(lagging.files).opened.ok());
}

TEST(JournalDamage, ASealedSegmentHasNoTornTail) {
  // Property: a segment is sealed when it is durable; the power may go before the next one begins.
  Lagging lagging(1200);
  ASSERT_TRUE(lagging.files.contains(kDirectory + "/0000000002.segment"));
  std::erase_if(lagging.files, [](const auto& file) {
    return file.first > kDirectory + "/0000000001.segment" && file.first.ends_with(".segment");
  });
  std::string& bytes = lagging.files.at(kDirectory + "/0000000001.segment");
  ASSERT_TRUE(open_and_read(lagging.files).opened.ok());
  const std::size_t at = bytes.rfind("k=");
  bytes[at] = 'q';  // in the last frame: none behind it speaks for it
  const Outcome outcome = open_and_read(lagging.files);
  EXPECT_TRUE(contains(outcome.opened.message(), "the segment was sealed behind it"))
      << outcome.opened.message();
}

TEST(JournalDamage, ASegmentOfAnotherJournalIsRefused) {
  const Built built = build(How::kSynced);
  auto files = built.files;
  std::string& bytes = files.at(kDirectory + "/0000000002.segment");
  SegmentHeader header;
  ASSERT_FALSE(read_segment_header(bytes, header));
  header.journal = header.journal + 1;
  Bytes head;
  encode_segment_header(header, head);
  bytes.replace(0, head.size(), head);
  const Outcome outcome = open_and_read(files);
  EXPECT_TRUE(contains(outcome.opened.message(), "belongs to another journal"))
      << outcome.opened.message();
}

TEST(JournalDamage, ANewerFormatIsNamed) {
  const Built built = build(How::kSynced);
  auto files = built.files;
  std::string& bytes = files.at(kDirectory + "/0000000001.segment");
  bytes[11] = 2;
  detail::store_int(crc32c(BytesView(bytes).substr(0, 60)), bytes.data() + 60);
  const Outcome outcome = open_and_read(files);
  EXPECT_TRUE(contains(outcome.opened.message(), "it has format 2; this millrace reads format 1"))
      << outcome.opened.message();
}

struct Trouble : testing::Test {
  SimulatedFileSystem files{4};
  JournalHarness journal{files, kDirectory};

  void filled() {
    ASSERT_TRUE(journal.open().ok());
    ASSERT_TRUE(journal.make_topic("t", 1).ok());
    ASSERT_TRUE(journal.write({{place(1, 0), {"k=v"}}}).ok());
    ASSERT_TRUE(journal.store->sync().ok());
  }
};

TEST_F(Trouble, AReadOnlyDiskAMissingRightAndAFullDiskAreNamedWhenOpening) {
  filled();
  journal.close();
  files.set_read_only(true);
  Status refused = journal.open();
  EXPECT_EQ(refused.consequence(), Consequence::kFatal);
  EXPECT_TRUE(contains(refused.message(), "Read-only")) << refused.message();
  files.set_read_only(false);
  files.deny(".segment");
  refused = journal.open();
  EXPECT_TRUE(contains(refused.message(), "Permission denied") &&
              contains(refused.message(), "0000000001.segment"))
      << refused.message();
  files.deny("");
  JournalHarness other(files, "/data/new");
  files.set_room(0);
  refused = other.open();
  EXPECT_EQ(refused.consequence(), Consequence::kFatal);
  EXPECT_TRUE(contains(refused.message(), "No space")) << refused.message();
  files.set_room(std::nullopt);
  EXPECT_TRUE(other.open().ok());
  EXPECT_TRUE(journal.open().ok());
}

TEST_F(Trouble, AFullDiskIsWaitedFor) {
  // Property: a transaction for which there is no room leaves nothing behind and may be tried again.
  filled();
  const auto before = files.contents();
  std::uint64_t used = 0;
  for (const auto& [path, bytes] : before) used += bytes.size();
  files.set_room(used + 50);
  const Status refused = journal.write({{place(1, 0), {"k=" + std::string(100, 'w')}}});
  EXPECT_EQ(refused.consequence(), Consequence::kRetry);
  EXPECT_TRUE(contains(refused.message(), "No space")) << refused.message();
  EXPECT_EQ(files.contents(), before);
  EXPECT_TRUE(journal.store->sync().ok());
  files.set_room(std::nullopt);
  EXPECT_TRUE(journal.write({{place(1, 0), {"k=w"}}}).ok());
  EXPECT_TRUE(journal.store->sync().ok());
  ASSERT_TRUE(journal.open().ok());
  EXPECT_EQ(journal.read_all(place(1, 0)), (Values{{Offset(0), "k=v"}, {Offset(2), "k=w"}}));
}

TEST_F(Trouble, AfterAFailedSyncTheFramesAreWrittenAnew) {
  // Property: the caller sees success, a power cut takes nothing, and what was found before is read on.
  filled();
  ASSERT_TRUE(journal.write({{place(1, 0), {"k=w"}}}).ok());
  const auto location = *journal.store->find(place(1, 0), Offset(2)).value();
  files.fail_sync_in(1);
  EXPECT_TRUE(journal.store->sync().ok());
  EXPECT_TRUE(contains(journal.logger.warnings(), "written anew")) << journal.logger.warnings();
  EXPECT_TRUE(journal.store->read(location).ok());
  files.cut_power();
  journal.close();
  files.restart();
  ASSERT_TRUE(journal.open().ok());
  EXPECT_EQ(journal.read_all(place(1, 0)), (Values{{Offset(0), "k=v"}, {Offset(2), "k=w"}}));
}

TEST_F(Trouble, WhereTheSecondSyncFailsTooTheJournalEnds) {
  filled();
  ASSERT_TRUE(journal.write({{place(1, 0), {"k=w"}}}).ok());
  files.set_read_only(true);  // the new segment cannot be made
  files.fail_sync_in(1);
  const Status ended = journal.store->sync();
  EXPECT_EQ(ended.consequence(), Consequence::kFatal);
  files.set_read_only(false);
  EXPECT_EQ(journal.store->sync().message(), ended.message());
  EXPECT_EQ(journal.write({{place(1, 0), {"k=x"}}}).message(), ended.message());
  EXPECT_EQ(journal.read_all(place(1, 0)).size(), 2u);  // reading goes on
}

TEST_F(Trouble, AnUnreadableBatchIsNamed) {
  filled();
  files.fail_reads(".segment");
  auto found = journal.store->find(place(1, 0), Offset(0));
  ASSERT_TRUE(found.ok() && found.value());
  const Status refused = journal.store->read(*found.value()).status();
  EXPECT_EQ(refused.consequence(), Consequence::kFatal);
  EXPECT_TRUE(contains(refused.message(), "0000000001.segment at byte")) << refused.message();
}

TEST_F(Trouble, OneSlotOfSyncedIsAlwaysWhole) {
  // Property: a journal that finds one slot torn makes it whole before the other is written over.
  filled();
  const std::string path = kDirectory + "/synced";
  for (const std::size_t slot : {0, 512, 0}) {
    files.kill();
    journal.close();
    files.restart();
    std::string torn = files.contents().at(path);
    torn[slot + 20] = static_cast<char>(torn[slot + 20] ^ 1);
    files.put(path, torn);
    const Status opened = journal.open();
    ASSERT_TRUE(opened.ok()) << opened.message();
  }
}

TEST_F(Trouble, WhatIsNotSyncedIsBoundedInMemory) {
  // Property: a caller that never syncs is synced for, so that no more than this much is kept.
  filled();
  journal.close();
  journal.options.max_unsynced_bytes = 1000;
  ASSERT_TRUE(journal.open().ok());
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(journal.write({{place(1, 0), {"k=" + std::string(400, 'w')}}}).ok());
  }
  files.cut_power();
  journal.close();
  files.restart();
  ASSERT_TRUE(journal.open().ok());
  EXPECT_GE(journal.read_all(place(1, 0)).size(), 6u);
}

TEST_F(Trouble, AClockThatGoesBackChangesNothing) {
  filled();
  journal.clock.advance(Duration(-1'000'000'000));
  ASSERT_TRUE(journal.write({{place(1, 0), {"k=w"}}}).ok());
  ASSERT_TRUE(journal.open().ok());
  EXPECT_EQ(journal.read_all(place(1, 0)).size(), 2u);
}

}  // namespace
}  // namespace millrace::log::journal
