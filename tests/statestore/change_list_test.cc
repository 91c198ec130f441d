#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "store_support.h"

namespace millrace::state {
namespace {

template <class V>
const std::optional<V>* noted(KeyValueCells& cells, Cell& cell) {
  return static_cast<const std::optional<V>*>(cells.change(cell));
}

// The first change of a transaction hands out the old value and leaves the cell empty; later ones
// do nothing.
TEST(ChangeList, NotesOncePerTransaction) {
  const auto store = key_value_store<std::string>();
  put<std::string>(*store, "k", "old", 1);
  store->commit({});

  Cell& cell = *store->find("k");
  const auto* old = noted<std::string>(*store, cell);
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(*old, "old");
  EXPECT_FALSE(cell.as<std::string>().has_value());
  cell.as<std::string>() = "new";
  EXPECT_EQ(noted<std::string>(*store, cell), nullptr);
  EXPECT_EQ(cell.as<std::string>(), "new");
  EXPECT_EQ(*old, "old");

  store->commit({});
  const auto* next = noted<std::string>(*store, cell);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(*next, "new");
}

// The first change of a cell that was just made tells that it was empty.
TEST(ChangeList, NewCellWasEmpty) {
  const auto store = key_value_store<std::string>();
  Cell& cell = store->at("k");
  const auto* old = noted<std::string>(*store, cell);
  ASSERT_NE(old, nullptr);
  EXPECT_FALSE(old->has_value());
  EXPECT_EQ(noted<std::string>(*store, cell), nullptr);
}

// A cell that was made but never changed (its maker threw) leaves no trace, whatever comes next.
TEST(ChangeList, MadeButNeverChanged) {
  const auto store = key_value_store<std::string>();
  const std::size_t before = store->bytes();
  store->at("k");
  store->abort();
  EXPECT_EQ(store->find("k"), nullptr);
  EXPECT_EQ(store->size(), 0u);

  store->at("k");
  Changelog changelog;
  changelog.commit(*store);
  EXPECT_TRUE(changelog.records.empty());
  EXPECT_EQ(store->find("k"), nullptr);
  EXPECT_FALSE(store->has_changes());
  EXPECT_LT(store->bytes(), before + 8192);  // a slab for old values, an empty shard
}

// A cell between its note and its new value, where a user's function throws, is put back.
TEST(ChangeList, AbortBetweenNoteAndValue) {
  const auto store = key_value_store<std::string>();
  put<std::string>(*store, "k", "old", 1);
  store->commit({});
  store->change(*store->find("k"));
  store->abort();
  EXPECT_EQ(contents<std::string>(*store), (Contents<std::string>{{"k", {"old", 1}}}));
}

// What is deleted and made again in one transaction is one change, and an abort knows the oldest.
TEST(ChangeList, DeletedAndMadeAgain) {
  const auto store = key_value_store<std::string>();
  put<std::string>(*store, "k", "old", 1);
  store->commit({});
  erase<std::string>(*store, "k", 2);
  put<std::string>(*store, "k", "new", 3);
  store->abort();
  EXPECT_EQ(contents<std::string>(*store), (Contents<std::string>{{"k", {"old", 1}}}));

  Changelog changelog;
  erase<std::string>(*store, "k", 2);
  put<std::string>(*store, "k", "new", 3);
  changelog.commit(*store);
  EXPECT_EQ(changelog.records, (std::vector<Changelog::Record>{{"k", "new", 3}}));
}

struct alignas(64) Wide {
  std::int64_t number = 0;
  friend bool operator==(const Wide&, const Wide&) = default;
};
// Large, owns heap, moves only.
struct Heavy {
  std::unique_ptr<std::string> text;
  std::array<char, 3000> bytes{};
};

}  // namespace
}  // namespace millrace::state

template <>
struct millrace::Serde<millrace::state::Wide> {
  void serialize(const state::Wide& v, Bytes& out) { inner.serialize(v.number, out); }
  void deserialize(BytesView in, state::Wide& v) { inner.deserialize(in, v.number); }
  Serde<std::int64_t> inner;
};
template <>
struct millrace::Serde<millrace::state::Heavy> {
  void serialize(const state::Heavy& v, Bytes& out) { out.append(*v.text); }
  void deserialize(BytesView in, state::Heavy& v) { v.text.reset(new std::string(in)); }
};

namespace millrace::state {
namespace {

// Over-aligned values keep their alignment in the cell and as an old value.
TEST(ChangeList, OverAlignedValues) {
  const auto store = key_value_store<Wide>();
  for (std::int64_t i = 0; i < 100; ++i) put<Wide>(*store, std::to_string(i), {i}, i);
  store->commit({});
  for (std::int64_t i = 0; i < 100; ++i) {
    Cell& cell = *store->find(std::to_string(i));
    const auto* old = noted<Wide>(*store, cell);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(old) % 64, 0u);
    EXPECT_EQ(**old, Wide{i});
    cell.as<Wide>() = Wide{-i};
  }
  store->abort();
  for (std::int64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(store->find(std::to_string(i))->as<Wide>(), Wide{i});
  }
}

// Values that are large, own memory and cannot be copied live through change, abort, commit and
// restore.
TEST(ChangeList, MoveOnlyValues) {
  const auto store = key_value_store<Heavy>();
  const auto text = [&](BytesView key) { return *store->find(key)->as<Heavy>()->text; };
  const auto heavy = [](const char* t) {
    Heavy made;
    made.text.reset(new std::string(t));
    return made;
  };
  put<Heavy>(*store, "a", heavy("one"), 1);
  put<Heavy>(*store, "b", heavy("two"), 1);
  Changelog changelog;
  changelog.commit(*store);
  put<Heavy>(*store, "a", heavy("three"), 2);
  erase<Heavy>(*store, "b", 2);
  put<Heavy>(*store, "c", heavy("four"), 2);
  store->abort();
  EXPECT_EQ(text("a"), "one");
  EXPECT_EQ(text("b"), "two");
  EXPECT_EQ(store->find("c"), nullptr);

  const auto restored = key_value_store<Heavy>();
  ASSERT_TRUE(changelog.restore(*restored).ok());
  EXPECT_EQ(*restored->find("b")->as<Heavy>()->text, "two");
}

// A store may end in the middle of a transaction: nothing leaks (the address sanitizer looks).
TEST(ChangeList, EndsWithOpenChanges) {
  const auto store = key_value_store<std::string>();
  put<std::string>(*store, "a", std::string(100, 'a'), 1);
  store->commit({});
  put<std::string>(*store, "a", std::string(100, 'b'), 1);
  put<std::string>(*store, "b", std::string(100, 'c'), 1);
}

// Memory that is counted follows committed values and does not creep from transaction to
// transaction.
TEST(ChangeList, FootprintIsSteady) {
  const auto store = key_value_store<std::string>();
  const auto fill = [&](std::size_t length) {
    for (int i = 0; i < 1000; ++i) {
      put<std::string>(*store, std::to_string(i), std::string(length, 'x'), 1);
    }
  };
  fill(1000);
  store->commit({});
  const std::size_t full = store->bytes();
  EXPECT_GT(full, 1000u * 1000);
  for (int round = 0; round < 10; ++round) {
    fill(1000);
    store->commit({});
    fill(5000);
    store->abort();
  }
  EXPECT_EQ(store->bytes(), full);
  fill(10);
  store->commit({});
  EXPECT_LT(store->bytes(), full - 900 * 1000);
  for (int i = 0; i < 1000; ++i) erase<std::string>(*store, std::to_string(i), 2);
  store->commit({});
  EXPECT_EQ(store->size(), 0u);
  EXPECT_LT(store->bytes(), full / 4);
}

// After one huge transaction small ones give the memory for old values back.
TEST(ChangeList, SlabsGoBack) {
  const auto store = key_value_store<std::int64_t>();
  for (int i = 0; i < 100'000; ++i) put<std::int64_t>(*store, std::to_string(i), i, 1);
  store->commit({});
  const std::size_t peak = store->bytes();
  for (int i = 0; i < 200; ++i) {
    put<std::int64_t>(*store, "1", i, 1);
    store->commit({});
  }
  EXPECT_LT(store->bytes() + 3'000'000, peak);
  EXPECT_EQ(store->find("99999")->as<std::int64_t>(), 99999);
}

// What a step wrote, and only that, is tried out for the changelog; a value that cannot be serialized
// shows there, and goes with the step.
TEST(ChangeList, ChecksWhatChangedSinceTheSavepoint) {
  struct Picky {
    void serialize(const std::string& value, Bytes& out) const {
      if (value == "bad") throw SerdeError("cannot be written");
      out += value;
    }
    void deserialize(BytesView in, std::string& value) const { value = in; }
  };
  struct Names final : ChangelogWriter {
    void write(BytesView key, OptionalBytesView value, Timestamp) override {
      seen.push_back(Bytes(key) + (value ? "=" + Bytes(*value) : " deleted"));
    }
    std::vector<Bytes> seen;
  };
  const auto store = key_value_store<std::string>(AnySerde<std::string>(Picky{}));
  put<std::string>(*store, "a", "1", 1);
  put<std::string>(*store, "b", "1", 1);
  store->set_savepoint();
  put<std::string>(*store, "c", "2", 2);
  put<std::string>(*store, "b", "2", 2);
  erase<std::string>(*store, "a", 2);
  Names names;
  store->check_changes(names);
  std::sort(names.seen.begin(), names.seen.end());
  EXPECT_EQ(names.seen, (std::vector<Bytes>{"a deleted", "b=2", "c=2"}));
  store->release_savepoint();

  store->set_savepoint();
  put<std::string>(*store, "b", "bad", 3);
  EXPECT_THROW(store->check_changes(names), SerdeError);
  store->roll_back();
  EXPECT_EQ(*value_in<std::string>(store->find("b")), "2");
  EXPECT_EQ(store->find("b")->timestamp, from_ms(2));
  Changelog changelog;
  changelog.commit(*store);
  EXPECT_EQ(changelog.records.size(), 2u);  // of "a" there is nothing to say
}

}  // namespace
}  // namespace millrace::state
