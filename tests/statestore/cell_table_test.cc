#include "millrace/detail/cell_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace millrace::state {
namespace {

class CellTableTest : public testing::Test {
 protected:
  Cell& insert(BytesView key) {
    bool created = false;
    Cell& cell = table_.find_or_insert(key, hash_of(key), created);
    EXPECT_TRUE(created);
    return cell;
  }
  Cell* find(BytesView key) const { return table_.find(key, hash_of(key)); }

  std::vector<Bytes> scanned(OptionalBytesView from = std::nullopt,
                             OptionalBytesView to = std::nullopt) {
    std::vector<Bytes> keys;
    table_.scan(from, to, ScanOrder::kForward, [&](Cell& cell) {
      keys.emplace_back(cell.key());
      return true;
    });
    return keys;
  }

  Footprint footprint_;
  CellTable table_{value_type<std::int64_t>(), 7, footprint_};
};

// A cell is found by its key's bytes alone, stays where it is while the table grows and shrinks,
// and keeps its value.
TEST_F(CellTableTest, GrowsAndShrinksLikeAMap) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::map<Bytes, Cell*> model;
  for (int i = 0; i < 200'000; ++i) {
    const Bytes key = "key-" + std::to_string(random() % 60'000);
    const auto known = model.find(key);
    if (known == model.end()) {
      Cell& cell = insert(key);
      cell.as<std::int64_t>() = i;
      cell.timestamp = from_ms(i);
      model.emplace(key, &cell);
    } else {
      bool created = true;
      ASSERT_EQ(&table_.find_or_insert(key, hash_of(key), created), known->second);
      ASSERT_FALSE(created);
      ASSERT_EQ(known->second->key(), key);
      ASSERT_EQ(known->second->as<std::int64_t>(), to_ms(known->second->timestamp));
      if (random() % 3 == 0) {
        table_.erase(*known->second);
        model.erase(known);
        ASSERT_EQ(find(key), nullptr);
      }
    }
    ASSERT_EQ(table_.size(), model.size());
  }
  for (const auto& [key, cell] : model) ASSERT_EQ(find(key), cell);
  EXPECT_EQ(find("missing"), nullptr);
  std::vector<Bytes> keys;
  for (const auto& [key, cell] : model) keys.push_back(key);
  EXPECT_EQ(scanned(), keys);
}

// Order is that of unsigned bytes, shorter first, and is kept once a scan has made it.
TEST_F(CellTableTest, ScansInOrderOfUnsignedBytes) {
  const std::vector<Bytes> ordered = {
      "", Bytes(1, '\0'), Bytes("\0a", 2), "a", Bytes("a\0", 2), "ab", "b", "\x7f", "\x80", "\xff"};
  for (std::size_t i = 0; i < ordered.size(); i += 2) insert(ordered[i]);
  EXPECT_EQ(scanned().size(), 5u);
  for (std::size_t i = 1; i < ordered.size(); i += 2) insert(ordered[i]);
  EXPECT_EQ(scanned(), ordered);
  EXPECT_EQ(scanned("a", "b"), (std::vector<Bytes>{"a", Bytes("a\0", 2), "ab"}));
  EXPECT_EQ(scanned("b", "a"), std::vector<Bytes>{});
  EXPECT_EQ(scanned("\x80", std::nullopt), (std::vector<Bytes>{"\x80", "\xff"}));
  table_.erase(*find("ab"));
  EXPECT_EQ(scanned("a", "b"), (std::vector<Bytes>{"a", Bytes("a\0", 2)}));
}

// A scan ends where its visitor says so.
TEST_F(CellTableTest, ScanStops) {
  for (const char* key : {"a", "b", "c"}) insert(key);
  int visited = 0;
  table_.scan(std::nullopt, std::nullopt, ScanOrder::kForward,
              [&](Cell&) { return ++visited < 2; });
  EXPECT_EQ(visited, 2);
}

// A table that is taken down in slices ends, and everything it counted as its memory is given back.
TEST(CellTable, DismantledInSlices) {
  Footprint footprint;
  {
    CellTable table(value_type<std::string>(), 0, footprint);
    for (int i = 0; i < 20'000; ++i) {
      const Bytes key = std::to_string(i);
      bool created = false;
      Cell& cell = table.find_or_insert(key, hash_of(key), created);
      cell.as<std::string>().emplace(100, 'x');
      footprint.add(HeapSize<std::string>::of(*cell.as<std::string>()));
    }
    table.scan(std::nullopt, std::nullopt, ScanOrder::kForward, [](Cell&) { return false; });
    EXPECT_GT(footprint.bytes, 20'000u * 150);

    int slices = 0;
    bool done = false;
    while (!done) {
      const std::size_t before = table.size();
      std::size_t budget = 1000;
      done = table.dismantle(budget);
      EXPECT_LE(before - table.size(), 1000u + 2048);
      ASSERT_LT(++slices, 100);
    }
    EXPECT_GT(slices, 10);
    EXPECT_EQ(table.size(), 0u);
  }
  EXPECT_EQ(footprint.bytes, 0u);
}

struct alignas(64) Wide {
  std::int64_t number;
};
struct Large {
  char bytes[5000];
};

template <class V>
void expect_aligned() {
  Footprint footprint;
  CellTable table(value_type<V>(), 0, footprint);
  for (std::size_t length = 0; length < 70; ++length) {
    const Bytes key(length, 'k');
    bool created = false;
    Cell& cell = table.find_or_insert(key, hash_of(key), created);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(cell.value()) % alignof(std::optional<V>), 0u);
    EXPECT_EQ(cell.key(), key);
    cell.as<V>().emplace();
    EXPECT_EQ(cell.key(), key);
  }
}

// Values stand where their type wants them, whatever the length of the key before them.
TEST(CellTable, Alignment) {
  expect_aligned<char>();
  expect_aligned<std::int64_t>();
  expect_aligned<long double>();
  expect_aligned<Wide>();
  expect_aligned<Large>();
}

// The order may be built in small steps, while cells come and go and shards split; each step is
// bounded, and a scan in the middle shows all.
TEST(CellTable, OrderIsBuiltInSteps) {
  Footprint footprint;
  CellTable table(value_type<std::int64_t>(), 0, footprint);
  const auto key_of = [](int i) { return Bytes("k") + std::to_string(i * 7919 % 10'000); };
  bool created = false;
  for (int i = 0; i < 5000; ++i) table.find_or_insert(key_of(i), hash_of(key_of(i)), created);
  int steps = 0;
  int next = 5000;
  while (!table.build_order(100)) {
    ++steps;
    ASSERT_LT(steps, 200);
    for (const int last = next + 30; next < last && next < 8000; ++next) {
      table.find_or_insert(key_of(next), hash_of(key_of(next)), created);
      if (next % 3 == 0)
        table.erase(*table.find(key_of(next - 4000), hash_of(key_of(next - 4000))));
    }
  }
  EXPECT_GT(steps, 5);
  std::vector<Bytes> seen;
  table.scan(std::nullopt, std::nullopt, ScanOrder::kForward, [&](Cell& cell) {
    seen.emplace_back(cell.key());
    return true;
  });
  EXPECT_EQ(seen.size(), table.size());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  std::size_t backward = seen.size();
  table.scan(std::nullopt, std::nullopt, ScanOrder::kBackward,
             [&](Cell& cell) { return cell.key() == seen[--backward]; });
  EXPECT_EQ(backward, 0u);
}

}  // namespace
}  // namespace millrace::state
