#include "millrace/detail/series_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "millrace/error.h"
#include "store_support.h"

namespace millrace::state {
namespace {

using Records = std::vector<Changelog::Record>;
using testing::HasSubstr;
using Text = std::string;

class SeriesCellsTest : public testing::Test {
 protected:
  std::unique_ptr<SeriesCells> make(StoreKind kind, bool duplicates, DiskTable* disk = nullptr) {
    auto store = std::make_unique<SeriesCells>(
        SeriesSpec{"series", kind, Duration(10), Duration(1'000'000), duplicates},
        value_type<Text>(), codec_of<Text>(), disk);
    store->bind(memory_);
    return store;
  }
  void put(SeriesCells& store, Cell& cell, Text value, std::int64_t timestamp) {
    change<Text>(store, cell, std::move(value), timestamp);
  }

  TaskMemory memory_;
  Changelog changelog_;
};

// key, 8 bytes start, 4 bytes sequence; a left join's second record of key k at 1 (SEMANTICS §3.4).
TEST_F(SeriesCellsTest, ChangelogBytesOfDuplicates) {
  const auto store = make(StoreKind::kWindow, true);
  put(*store, store->add("k", 1), "a", 1);
  put(*store, store->add("k", 1), "b", 1);
  put(*store, store->add("k", 2), "c", 2);
  changelog_.commit(*store);
  EXPECT_EQ(changelog_.records, (Records{{from_hex("6b000000000000000100000001"), "a", 1},
                                         {from_hex("6b000000000000000100000002"), "b", 1},
                                         {from_hex("6b000000000000000200000001"), "c", 2}}));
}

TEST_F(SeriesCellsTest, ChangelogBytesOfWindows) {
  const auto store = make(StoreKind::kWindow, false);
  put(*store, store->at("k", 10, 0), "v", 12);
  changelog_.commit(*store);
  EXPECT_EQ(changelog_.records, (Records{{from_hex("6b000000000000000a00000000"), "v", 12}}));
}

// key, 8 bytes end, 8 bytes start; the tombstone of a merged session carries the record's time
// (SEMANTICS §3.4, §3.5).
TEST_F(SeriesCellsTest, ChangelogBytesOfSessions) {
  const auto store = make(StoreKind::kSession, false);
  put(*store, store->at("k", 12, 12), "1", 12);
  changelog_.commit(*store);
  change<Text>(*store, *store->find("k", 12, 12), std::nullopt, 15);
  put(*store, store->at("k", 15, 12), "2", 15);
  changelog_.records.clear();
  changelog_.commit(*store);
  EXPECT_EQ(changelog_.records,
            (Records{{from_hex("6b000000000000000c000000000000000c"), std::nullopt, 15},
                     {from_hex("6b000000000000000f000000000000000c"), "2", 15}}));
}

// A duplicate's number goes on where the key and start had got, across a restart (DESIGN §9).
TEST_F(SeriesCellsTest, DuplicatesGoOnAfterARestart) {
  TestDisk disk;
  {
    const auto store = make(StoreKind::kWindow, true, &disk.table());
    put(*store, store->add("k", 1), "a", 1);
    changelog_.commit(*store);
  }
  disk.open();
  const auto store = make(StoreKind::kWindow, true, &disk.table());
  EXPECT_EQ(SeriesCells::second_of(store->add("k", 1)), 2);
  EXPECT_EQ(SeriesCells::second_of(store->add("k", 2)), 1);
}

// What no store of this kind wrote is refused, and says where it stands.
TEST_F(SeriesCellsTest, RestoreRefusesOtherKeys) {
  const auto refused = [&](StoreKind kind, bool duplicates, const char* key, const char* why) {
    const auto store = make(kind, duplicates);
    const Status status = store->restore(from_hex(key), "v", from_ms(1), Offset(42));
    EXPECT_EQ(status.consequence(), Consequence::kFatal);
    EXPECT_THAT(status.message(), HasSubstr("42"));
    EXPECT_THAT(status.message(), HasSubstr(why));
  };
  refused(StoreKind::kWindow, false, "6b00000000000000", "too short");
  refused(StoreKind::kWindow, false, "6b000000000000000100000001", "without duplicates");
  refused(StoreKind::kWindow, true, "6b000000000000000180000000", "not one of a window store");
  refused(StoreKind::kSession, false, "6b000000000000000c0000000c", "too short");
  refused(StoreKind::kSession, false, "6b000000000000000c000000000000000d", "session");
}

// Bytes on disk that cannot be decoded are an error that names the store and how far its changelog
// went, never the bytes; nothing of the series is half there afterwards.
TEST_F(SeriesCellsTest, UndecodableOnDisk) {
  TestDisk disk;
  {
    const auto store = make(StoreKind::kSession, false, &disk.table());
    put(*store, store->at("k", 12, 12), "secret", 12);
    changelog_.commit(*store);
  }
  disk.open();
  SeriesCells numbers(SeriesSpec{"series", StoreKind::kSession, {}, Duration(1'000'000)},
                      value_type<std::int64_t>(), codec_of<std::int64_t>(), &disk.table());
  numbers.bind(memory_);
  for (int i = 0; i < 2; ++i) {
    try {
      numbers.find("k", 12, 12);
      FAIL() << "nothing was thrown";
    } catch (const StateError& error) {
      EXPECT_THAT(error.what(), HasSubstr("'series'"));
      EXPECT_THAT(error.what(), HasSubstr("offset 5"));
      EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
    }
  }
}

// What the disk holds may be null for the program that reads it now.
TEST_F(SeriesCellsTest, ANullOnDiskIsNoEntry) {
  using Maybe = std::optional<std::string>;
  struct NoneIsNull {
    void serialize(const Maybe& value, Bytes& out) const { out += *value; }
    void deserialize(BytesView in, Maybe& value) const {
      if (in == "none") {
        value.reset();
      } else {
        value = Bytes(in);
      }
    }
  };
  TestDisk disk;
  const auto open = [&](TaskMemory& memory, std::unique_ptr<ValueCodec> codec) {
    auto store = std::make_unique<SeriesCells>(
        SeriesSpec{"series", StoreKind::kSession, Duration(10), Duration(1'000'000), false},
        value_type<Maybe>(), std::move(codec), &disk.table());
    store->bind(memory);
    return store;
  };
  Changelog changelog;
  {
    TaskMemory memory;
    const auto store = open(memory, codec_of<Maybe>());
    change<Maybe>(*store, store->at("k", 12, 10), std::optional<Maybe>("none"), 12);
    change<Maybe>(*store, store->at("k", 90, 80), std::optional<Maybe>("some"), 90);
    changelog.commit(*store);
  }
  disk.open();
  TaskMemory memory;
  const auto store = open(memory, codec_of<Maybe>(AnySerde<Maybe>(NoneIsNull{})));
  EXPECT_EQ(store->find("k", 12, 10), nullptr);
  EXPECT_EQ(*value_in<Maybe>(store->find("k", 90, 80)), "some");
}

}  // namespace
}  // namespace millrace::state
