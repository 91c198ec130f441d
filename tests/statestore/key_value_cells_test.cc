#include "millrace/detail/key_value_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "store_support.h"

namespace millrace::state {
namespace {

using Records = std::vector<Changelog::Record>;
using testing::HasSubstr;
using testing::Not;

// Changelog bytes are those that Kafka Streams writes: key, plain value, the entry's time as the
// record's (SEMANTICS §3.5).
TEST(KeyValueCells, ChangelogBytes) {
  const auto store = key_value_store<std::int64_t>();
  put<std::int64_t>(*store, "k", 258, 12);
  put<std::int64_t>(*store, "", 1, -1);
  Changelog changelog;
  changelog.commit(*store);
  EXPECT_EQ(changelog.records, (Records{{"k", from_hex("0000000000000102"), 12},
                                        {"", from_hex("0000000000000001"), -1}}));
}

// Each changed cell is written once, with its last value, in the order of first change.
TEST(KeyValueCells, OncePerKeyInOrderOfFirstChange) {
  const auto store = key_value_store<std::string>();
  put<std::string>(*store, "b", "1", 1);
  put<std::string>(*store, "a", "2", 2);
  put<std::string>(*store, "b", "3", 3);
  Changelog changelog;
  changelog.commit(*store);
  EXPECT_EQ(changelog.records, (Records{{"b", "3", 3}, {"a", "2", 2}}));
}

// A deletion is a tombstone with the time that the deletion set; later the cell is gone.
TEST(KeyValueCells, Tombstone) {
  const auto store = key_value_store<std::string>();
  Changelog changelog;
  put<std::string>(*store, "k", "v", 1);
  changelog.commit(*store);
  erase<std::string>(*store, "k", 9);
  ASSERT_NE(store->find("k"), nullptr);
  EXPECT_FALSE(store->find("k")->as<std::string>().has_value());
  changelog.commit(*store);
  EXPECT_EQ(changelog.records, (Records{{"k", "v", 1}, {"k", std::nullopt, 9}}));
  EXPECT_EQ(store->find("k"), nullptr);
  EXPECT_EQ(store->size(), 0u);
}

// What was made and deleted between two commits never was.
TEST(KeyValueCells, MadeAndDeletedWritesNothing) {
  const auto store = key_value_store<std::string>();
  put<std::string>(*store, "k", "v", 1);
  erase<std::string>(*store, "k", 2);
  Changelog changelog;
  changelog.commit(*store);
  EXPECT_TRUE(changelog.records.empty());
  EXPECT_EQ(store->find("k"), nullptr);
}

// To put an equal value is a change, too: Kafka Streams logs it.
TEST(KeyValueCells, EqualValueIsAChange) {
  const auto store = key_value_store<std::string>();
  Changelog changelog;
  for (int i = 0; i < 2; ++i) {
    put<std::string>(*store, "k", "v", 1);
    changelog.commit(*store);
  }
  EXPECT_EQ(changelog.records, (Records{{"k", "v", 1}, {"k", "v", 1}}));
}

// Changes may be written as often as one likes before the commit; after an abort there are none.
TEST(KeyValueCells, WriteChangesDoesNotChange) {
  const auto store = key_value_store<std::string>();
  put<std::string>(*store, "k", "v", 1);
  Changelog once;
  store->write_changes(once);
  Changelog twice;
  store->write_changes(twice);
  EXPECT_EQ(once.records, twice.records);
  EXPECT_TRUE(store->has_changes());
  store->abort();
  EXPECT_FALSE(store->has_changes());
  Changelog none;
  store->write_changes(none);
  EXPECT_TRUE(none.records.empty());
}

// A scan shows what has a value, in the order of unsigned bytes.
TEST(KeyValueCells, ScanHidesDeleted) {
  const auto store = key_value_store<std::string>();
  for (const char* key : {"a", "b", "\xff"}) put<std::string>(*store, key, key, 1);
  store->commit({});
  erase<std::string>(*store, "b", 2);
  std::vector<Bytes> keys;
  store->scan("a", std::nullopt, ScanOrder::kForward, [&](const Cell& cell) {
    keys.emplace_back(cell.key());
    return true;
  });
  EXPECT_EQ(keys, (std::vector<Bytes>{"a", "\xff"}));
}

// A value that is null by its own type is no value: it is a tombstone in the changelog, so it is
// none in the store.
TEST(KeyValueCells, NullValueIsADeletion) {
  using Maybe = std::optional<std::string>;
  const auto store = key_value_store<Maybe>();
  put<Maybe>(*store, "k", "v", 1);
  Changelog changelog;
  changelog.commit(*store);
  change<Maybe>(*store, store->at("k"), std::optional<Maybe>(std::in_place), 2);
  EXPECT_TRUE(contents<Maybe>(*store).empty());
  EXPECT_EQ(value_in<Maybe>(store->find("k")), nullptr);
  changelog.commit(*store);
  EXPECT_EQ(changelog.records, (Records{{"k", "v", 1}, {"k", std::nullopt, 2}}));
  EXPECT_EQ(store->find("k"), nullptr);
}

// --- restore -----------------------------------------------------------------------------------

// Of several records of a key the last one counts, whatever their times; a tombstone deletes.
TEST(KeyValueCells, RestoreNewestWins) {
  const auto store = key_value_store<std::string>();
  Changelog changelog;
  changelog.records = {{"a", "1", 50},         {"b", "2", 1},          {"a", "3", 7},
                       {"b", std::nullopt, 8}, {"c", std::nullopt, 9}, {"d", "", 10}};
  ASSERT_TRUE(changelog.restore(*store).ok());
  EXPECT_EQ(contents<std::string>(*store),
            (Contents<std::string>{{"a", {"3", 7}}, {"d", {"", 10}}}));
  EXPECT_FALSE(store->has_changes());
}

// Bytes that cannot be decoded are fatal, told with store, offset and reason, never quoted; what
// was there stays.
TEST(KeyValueCells, RestoreTellsWhatItCannotDecode) {
  const auto store = key_value_store<std::int64_t>();
  put<std::int64_t>(*store, "known", 1, 1);
  store->commit({});
  for (const char* key : {"known", "new"}) {
    const Status s = store->restore(key, BytesView("secret"), from_ms(2), Offset(42));
    EXPECT_EQ(s.consequence(), Consequence::kFatal);
    EXPECT_THAT(s.message(), HasSubstr("'counts'"));
    EXPECT_THAT(s.message(), HasSubstr("42"));
    EXPECT_THAT(s.message(), HasSubstr("64-bit integer takes 8 bytes, not 6"));
    EXPECT_THAT(s.message(), Not(HasSubstr("secret")));
  }
  EXPECT_EQ(contents<std::int64_t>(*store), (Contents<std::int64_t>{{"known", {1, 1}}}));
  EXPECT_EQ(store->size(), 1u);
}

// --- serdes that throw -------------------------------------------------------------------------

// Refuses to write "bad" and to read "unreadable"; drops everything behind a '|'.
struct Picky {
  void serialize(const std::string& value, Bytes& out) const {
    if (value == "bad") throw std::runtime_error("not " + value);
    out.append(value, 0, value.find('|'));
  }
  void deserialize(BytesView in, std::string& value) const {
    value.assign("half-read");
    if (in == "unreadable") throw std::runtime_error("not " + std::string(in));
    value.assign(in);
  }
};

// A serializer that throws leaves the transaction to be aborted, and the abort is exact.
TEST(KeyValueCells, SerializerThrows) {
  const auto store = key_value_store<std::string>(AnySerde<std::string>(Picky{}));
  put<std::string>(*store, "a", "1", 1);
  put<std::string>(*store, "b", "2", 1);
  store->commit({});
  const Contents<std::string> before = contents<std::string>(*store);

  put<std::string>(*store, "a", "3", 2);
  put<std::string>(*store, "b", "bad", 2);
  put<std::string>(*store, "c", "4", 2);
  const Contents<std::string> open = contents<std::string>(*store);
  Changelog changelog;
  EXPECT_THROW(store->write_changes(changelog), std::runtime_error);
  EXPECT_EQ(contents<std::string>(*store), open);
  store->abort();
  EXPECT_EQ(contents<std::string>(*store), before);
  EXPECT_FALSE(store->has_changes());

  put<std::string>(*store, "b", "good", 2);
  changelog.records.clear();
  changelog.commit(*store);
  EXPECT_EQ(changelog.records, (Records{{"b", "good", 2}}));
}

// An exception that is not ours may quote the bytes: its type is told, its text is not.
TEST(KeyValueCells, DeserializerThrows) {
  const auto store = key_value_store<std::string>(AnySerde<std::string>(Picky{}));
  put<std::string>(*store, "k", "v", 1);
  store->commit({});
  const Status s = store->restore("k", BytesView("unreadable"), from_ms(2), Offset(1));
  EXPECT_FALSE(s.ok());
  EXPECT_THAT(s.message(), HasSubstr("std::runtime_error"));
  EXPECT_THAT(s.message(), Not(HasSubstr("unreadable")));
  EXPECT_EQ(contents<std::string>(*store), (Contents<std::string>{{"k", {"v", 1}}}));
}

// --- typed values forgotten --------------------------------------------------------------------

// A part of a value that its serde does not write is gone right after the commit.
TEST(KeyValueCells, ForgetShowsADroppedField) {
  const auto store = key_value_store<std::string>(AnySerde<std::string>(Picky{}));
  store->forget_typed_values(true);
  put<std::string>(*store, "k", "kept|dropped", 5);
  EXPECT_EQ(store->find("k")->as<std::string>(), "kept|dropped");
  Changelog changelog;
  changelog.commit(*store);
  EXPECT_EQ(contents<std::string>(*store), (Contents<std::string>{{"k", {"kept", 5}}}));
  EXPECT_FALSE(store->has_changes());

  store->forget_typed_values(false);
  put<std::string>(*store, "k", "kept|dropped", 6);
  changelog.commit(*store);
  EXPECT_EQ(store->find("k")->as<std::string>(), "kept|dropped");
}

// A value that cannot be read back is told; the others are committed.
TEST(KeyValueCells, ForgetTellsWhatCannotBeReadBack) {
  const auto store = key_value_store<std::string>(AnySerde<std::string>(Picky{}));
  store->forget_typed_values(true);
  put<std::string>(*store, "a", "unreadable", 5);
  Changelog changelog;
  EXPECT_THROW(changelog.commit(*store), SerdeError);
  EXPECT_EQ(contents<std::string>(*store), (Contents<std::string>{{"a", {"unreadable", 5}}}));
  EXPECT_FALSE(store->has_changes());
}

// A disk that counts how often it is asked what it has applied: once for each walk over the cells that
// are listed.
class CountingTable final : public DiskTable {
 public:
  explicit CountingTable(DiskTable& table) : table_(table) {}

  int looks() const { return looks_; }

  Offset offset() const override { return table_.offset(); }
  Timestamp offset_stamped() const override { return table_.offset_stamped(); }
  std::optional<Bytes> fact(std::string_view name) const override { return table_.fact(name); }
  std::vector<std::pair<std::string, Bytes>> facts(std::string_view prefix) const override {
    return table_.facts(prefix);
  }
  BatchNumber submit(CommitBatch batch) override { return table_.submit(std::move(batch)); }
  BatchNumber applied() const override {
    ++looks_;
    return table_.applied();
  }
  void hurry() override { table_.hurry(); }
  bool get(BytesView key, Bytes& value, Timestamp& timestamp) override {
    return table_.get(key, value, timestamp);
  }
  void multi_get(std::span<const BytesView> keys, std::vector<Found>& found) override {
    table_.multi_get(keys, found);
  }
  std::unique_ptr<DiskScan> scan(OptionalBytesView from, OptionalBytesView to,
                                 ScanOrder order) override {
    return table_.scan(from, to, order);
  }
  Status health() const override { return table_.health(); }

 private:
  DiskTable& table_;
  mutable int looks_ = 0;
};

// New keys of one transaction are listed until it ends. They must not be walked over for each further
// one: a transaction of many would stand still.
TEST(KeyValueCells, ANewKeyOverADiskCostsTheSameInALongTransaction) {
  constexpr int kKeys = 20'000;
  TestDisk disk;
  Changelog changelog;
  {
    const auto before = key_value_store<std::int64_t>(default_serde<std::int64_t>(), &disk.table());
    put<std::int64_t>(*before, "so that the disk has something", 1, 1);
    changelog.commit(*before);
  }
  disk.open();
  CountingTable table(disk.table());
  const auto store = key_value_store<std::int64_t>(default_serde<std::int64_t>(), &table);
  for (int i = 0; i < kKeys; ++i) put<std::int64_t>(*store, std::to_string(i), i, 1);
  EXPECT_LT(table.looks(), 20);
  changelog.commit(*store);
  EXPECT_EQ(contents<std::int64_t>(*store).size(), kKeys + 1u);
  // What was asked for in vain is forgotten now and then.
  for (int i = 0; i < kKeys; ++i) EXPECT_EQ(store->find("not there " + std::to_string(i)), nullptr);
  EXPECT_LT(store->size(), kKeys + 5'000u);
}

}  // namespace
}  // namespace millrace::state
