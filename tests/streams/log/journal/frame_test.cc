// Records, frames and batches as bytes: docs/format/journal.md.
#include "log/journal/frame.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "log/journal/frame_codec.h"

namespace millrace::log::journal {
namespace {

struct OwnedRecord {
  Offset offset;
  OptionalBytes key;
  OptionalBytes value;
  Timestamp timestamp;
  Headers headers;
  friend bool operator==(const OwnedRecord&, const OwnedRecord&) = default;
};

OptionalBytesView view(const OptionalBytes& bytes) {
  return bytes ? OptionalBytesView(*bytes) : std::nullopt;
}

std::vector<OwnedRecord> decode(Offset base, BytesView bytes, bool& damaged) {
  std::vector<OwnedRecord> records;
  RecordDecoder decoder(base, bytes);
  RecordView record;
  while (decoder.next(record)) {
    records.push_back({record.offset, record.key ? OptionalBytes(*record.key) : std::nullopt,
                       record.value ? OptionalBytes(*record.value) : std::nullopt, record.timestamp,
                       *record.headers});
  }
  damaged = decoder.damaged();
  return records;
}

// A frame with everything in it.
struct Sample {
  RecordEncoder records;
  Frame frame;

  Sample() {
    const Headers headers{{"h", "x"}, {"h", std::nullopt}, {"", ""}};
    records.add(0, "key", "value", from_ms(1000), Headers::none());
    records.add(1, std::nullopt, "", from_ms(990), Headers::none());
    records.add(5, "", std::nullopt, from_ms(1001), headers);
    const PartitionKey where{TopicId(3), Partition(1)};
    frame.batches.push_back({where, Offset(100), Offset(107), records.records(), from_ms(2000),
                             records.max_timestamp(), records.bytes()});
    frame.offsets.push_back({"group", where, Offset(300), "meta"});
    frame.topics_made.push_back({TopicId(4), "made", 2, {{"retention.ms", "-1"}}});
    frame.topics_deleted.push_back(TopicId(2));
    frame.deletions.push_back({where, Offset(50)});
  }
};

constexpr JournalId kJournal{1'000'000};

TEST(JournalRecords, ComeBackAsTheyWereAdded) {
  // Property: null and empty, any timestamps, gaps between offsets, headers in their order.
  std::mt19937_64 random(11);
  const auto payload = [&]() -> OptionalBytes {
    if (random() % 4 == 0) return std::nullopt;
    return Bytes(random() % 300, static_cast<char>(random()));
  };
  constexpr std::int64_t kTimes[] = {0, -1, 1, std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::min()};
  RecordEncoder encoder;
  for (int round = 0; round < 300; ++round) {
    encoder.clear();
    std::vector<OwnedRecord> records;
    std::int32_t delta = -1;
    Timestamp most = kNoTimestamp;
    for (std::uint64_t count = random() % 20; count > 0; --count) {
      delta += 1 + static_cast<std::int32_t>(random() % 3 == 0 ? random() % 100'000 : 0);
      const auto time =
          random() % 2 == 0 ? kTimes[random() % 5] : static_cast<std::int64_t>(random());
      OwnedRecord record{Offset(7) + delta, payload(), payload(), from_ms(time), {}};
      for (std::uint64_t headers = random() % 3; headers > 0; --headers) {
        record.headers.add(Bytes(random() % 3, 'h'), payload());
      }
      encoder.add(delta, view(record.key), view(record.value), record.timestamp, record.headers);
      most = records.empty() ? record.timestamp : std::max(most, record.timestamp);
      records.push_back(std::move(record));
    }
    bool damaged = true;
    ASSERT_EQ(decode(Offset(7), encoder.bytes(), damaged), records);
    ASSERT_FALSE(damaged);
    ASSERT_EQ(encoder.records(), static_cast<std::int32_t>(records.size()));
    ASSERT_EQ(encoder.max_timestamp(), most);
  }
}

TEST(JournalRecords, TheirBytesAreFrozen) {
  Sample sample;
  EXPECT_EQ(to_hex(sample.records.bytes()),
            "0300d00f03056b657976616c7565"  // key, value; 1000 ms
            "02001300"                      // an empty value; 10 ms less
            "05031600"                      // an empty key, 3 offsets left out; 11 ms more
            "030168027801680000"
            "01");  // three headers
}

TEST(JournalRecords, CutAnywhereTheyAreDamagedOrEndBetweenTwo) {
  // Property: a decoder never reads behind the end and never makes up a record.
  const Sample sample;
  bool damaged = false;
  const auto all = decode(Offset(0), sample.records.bytes(), damaged);
  std::size_t whole = 0;
  for (std::size_t size = 0; size < sample.records.bytes().size(); ++size) {
    const Bytes cut = sample.records.bytes().substr(0, size);  // its own memory: for sanitizers
    const auto some = decode(Offset(0), cut, damaged);
    ASSERT_LT(some.size(), all.size());
    for (std::size_t i = 0; i < some.size(); ++i) ASSERT_EQ(some[i], all[i]);
    whole += damaged ? 0 : 1;
  }
  EXPECT_EQ(whole, all.size());
}

TEST(JournalRecords, AnyBytesAreDecodedWithoutHarm) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 4 == 0 ? 0xff : random() % 12);
    bool damaged = false;
    decode(Offset(0), bytes, damaged);
  }
}

TEST(JournalFrames, TheirBytesAreFrozen) {
  const Sample sample;
  Bytes bytes;
  std::vector<BatchPlace> places;
  encode_frame(sample.frame, kJournal, FrameNumber(9), FrameNumber(8), bytes, places);
  EXPECT_EQ(
      to_hex(bytes),
      "4d524631a5dd5d33"                                    // magic, checksum of the head
      "0000005f00000001"                                    // 95 bytes of head, one batch
      "00000000000000090000000000000008"                    // frame 9; 8 is durable
      "00000000000000bf"                                    // 191 bytes in all
      "00000060129c5fb6"                                    // the batch: 96 bytes, its checksum
      "010567726f75700301ac02046d657461"                    // an offset: group, 3, 1, 300, meta
      "0104046d61646502010c726574656e74696f6e2e6d73022d31"  // a topic made: 4, made, 2 partitions
      "0102"                                                // a topic deleted: 2
      "01030132"                                            // a deletion: 3, 1, below 50
      "4d524231129c5fb6"                                    // magic, checksum
      "0000006000000003"                                    // 96 bytes, 3 records
      "0000000300000001"                                    // topic 3, partition 1
      "0000000000000064000000000000006b"                    // offsets from 100 to 107
      "00000000000007d000000000000003e9"                    // appended at 2000, latest 1001
      "0000000000000000"                                    // never compacted
          + to_hex(sample.records.bytes()));
}

TEST(JournalFrames, ComeBackAsTheyWereWritten) {
  const Sample sample;
  Bytes bytes = "before";
  std::vector<BatchPlace> places;
  encode_frame(sample.frame, kJournal, FrameNumber(9), FrameNumber(8), bytes, places);
  const BytesView frame = BytesView(bytes).substr(6);
  const auto head = read_frame_head(frame);
  ASSERT_TRUE(head);
  ASSERT_EQ(head->size, frame.size());
  ParsedFrame parsed;
  ASSERT_FALSE(parse_frame(*head, kJournal, frame, parsed));
  EXPECT_EQ(parsed.number, FrameNumber(9));
  EXPECT_EQ(parsed.durable, FrameNumber(8));
  ASSERT_EQ(parsed.places.size(), 1u);
  EXPECT_EQ(parsed.places[0].at, places[0].at);
  EXPECT_EQ(parsed.places[0].size, places[0].size);
  const FrameBatch& batch = parsed.frame.batches.at(0);
  EXPECT_EQ(batch.where, sample.frame.batches[0].where);
  EXPECT_EQ(batch.base, Offset(100));
  EXPECT_EQ(batch.next, Offset(107));
  EXPECT_EQ(batch.records, 3);
  EXPECT_EQ(batch.append_time, from_ms(2000));
  EXPECT_EQ(batch.max_timestamp, from_ms(1001));
  EXPECT_EQ(batch.encoded, sample.records.bytes());
  EXPECT_EQ(parsed.frame.offsets.at(0).group, "group");
  EXPECT_EQ(parsed.frame.offsets[0].offset, Offset(300));
  EXPECT_EQ(parsed.frame.offsets[0].metadata, "meta");
  EXPECT_EQ(parsed.frame.topics_made.at(0).name, "made");
  EXPECT_EQ(parsed.frame.topics_made[0].partitions, 2);
  EXPECT_EQ(parsed.frame.topics_made[0].config, sample.frame.topics_made[0].config);
  EXPECT_EQ(parsed.frame.topics_deleted.at(0), TopicId(2));
  EXPECT_EQ(parsed.frame.deletions.at(0).below, Offset(50));
}

TEST(JournalFrames, AnyFlippedBitIsSeen) {
  // Property: a frame with one bit changed is no frame; nor is one of another journal.
  const Sample sample;
  Bytes bytes;
  std::vector<BatchPlace> places;
  encode_frame(sample.frame, kJournal, FrameNumber(9), FrameNumber(8), bytes, places);
  const auto holds = [](const Bytes& frame, JournalId journal) {
    const auto head = read_frame_head(frame);
    ParsedFrame parsed;
    return head && head->size == frame.size() && !parse_frame(*head, journal, frame, parsed);
  };
  ASSERT_TRUE(holds(bytes, kJournal));
  EXPECT_FALSE(holds(bytes, JournalId(1'000'001)));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(holds(flipped, kJournal)) << "bit " << bit;
  }
}

}  // namespace
}  // namespace millrace::log::journal
