// The views that processors write through: what a write changes, and that it is undone with its
// transaction.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "millrace/key_value_store.h"
#include "millrace/window_store.h"
#include "store_support.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using Rows = std::vector<KeyValue<std::string, std::string>>;

class WritableKeyValue : public testing::Test {
 protected:
  std::unique_ptr<state::KeyValueCells> cells_ = state::key_value_store<std::string>();
  Timestamp now_ = from_ms(5);
  KeyValueStore<std::string, std::string> store_{*cells_, default_serde<std::string>(), now_};
};

TEST_F(WritableKeyValue, PutEraseAndTheirTimes) {
  store_.put("a", "1");
  now_ = from_ms(7);
  store_.put("b", "2");
  EXPECT_EQ(store_.get_with_timestamp("a"), (ValueAndTimestamp<std::string>{"1", from_ms(5)}));
  EXPECT_EQ(store_.get_with_timestamp("b"), (ValueAndTimestamp<std::string>{"2", from_ms(7)}));
  EXPECT_EQ(store_.erase("a"), "1");
  EXPECT_EQ(store_.erase("a"), std::nullopt);
  EXPECT_EQ(store_.erase("x"), std::nullopt);
  EXPECT_EQ(store_.all(), (Rows{{"b", "2"}}));
}

TEST_F(WritableKeyValue, PutIfAbsentAndPutAll) {
  EXPECT_EQ(store_.put_if_absent("a", "1"), std::nullopt);
  EXPECT_EQ(store_.put_if_absent("a", "2"), "1");
  store_.put_all({{"b", "1"}, {"b", "2"}, {"c", "3"}});
  EXPECT_EQ(store_.all(), (Rows{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
}

TEST_F(WritableKeyValue, AValueMayComeFromTheStoreItself) {
  store_.put("a", "long enough not to be kept in place");
  store_.put("b", *store_.find("a"));
  store_.put("a", *store_.find("a") + "!");
  EXPECT_EQ(store_.get("b"), "long enough not to be kept in place");
  EXPECT_EQ(store_.get("a"), "long enough not to be kept in place!");
}

TEST_F(WritableKeyValue, ErasingWhileLookingAtAScanIsSafe) {
  for (const char* key : {"a", "b", "c"}) store_.put(key, "v");
  for (const auto& [key, value] : store_.all()) store_.erase(key);
  EXPECT_EQ(store_.all(), Rows{});
}

TEST_F(WritableKeyValue, AnAbortTakesEverythingBack) {
  store_.put("a", "1");
  store_.put("b", "2");
  cells_->commit({});
  now_ = from_ms(9);
  store_.put("a", "3");
  store_.erase("b");
  store_.put("c", "4");
  store_.erase("c");
  store_.put_if_absent("d", "5");
  cells_->abort();
  EXPECT_EQ(store_.all(), (Rows{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(store_.get_with_timestamp("b")->timestamp, from_ms(5));
  EXPECT_FALSE(cells_->has_changes());
}

TEST_F(WritableKeyValue, PrefixScans) {
  const std::string end(1, '\xff');
  store_.put_all({{"a", "1"}, {"ab", "2"}, {"abc", "3"}, {"b", "4"}, {end, "5"}, {end + "x", "6"}});
  EXPECT_EQ(store_.prefix_scan<std::string>("ab"), (Rows{{"ab", "2"}, {"abc", "3"}}));
  EXPECT_EQ(store_.prefix_scan(std::string()).size(), 6u);
  EXPECT_EQ(store_.prefix_scan(end), (Rows{{end, "5"}, {end + "x", "6"}}));
  EXPECT_EQ(store_.prefix_scan<std::string>("x"), Rows{});
}

TEST(WritableKeyValueOfNullable, ANullValueDeletesAndANullKeyIsRefused) {
  using Maybe = std::optional<std::string>;
  const auto cells = state::key_value_store<Maybe>();
  const Timestamp now = from_ms(1);
  KeyValueStore<Maybe, Maybe> store(*cells, default_serde<Maybe>(), now);
  store.put("a", "1");
  store.put("a", std::nullopt);
  EXPECT_EQ(store.find("a"), nullptr);
  EXPECT_THROW(store.put(std::nullopt, "1"), SerdeError);
  EXPECT_THROW(store.erase(std::nullopt), SerdeError);
  EXPECT_TRUE(store.all().empty());
}

class WritableWindows : public testing::Test {
 protected:
  using Windows = std::vector<KeyValue<Window, std::int64_t>>;
  static KeyValue<Window, std::int64_t> row(std::int64_t start, std::int64_t value) {
    return {{from_ms(start), from_ms(start + 10)}, value};
  }
  state::TaskMemory memory_;
  std::unique_ptr<state::WindowCells> cells_ = state::window_store<std::int64_t>(memory_, 10, 30);
  Timestamp now_ = from_ms(5);
  WindowStore<std::string, std::int64_t> store_{*cells_, default_serde<std::string>(), now_};
};

TEST_F(WritableWindows, PutAndErase) {
  EXPECT_TRUE(store_.put("k", 1, from_ms(0)));
  EXPECT_TRUE(store_.put("k", 2, from_ms(3)));
  EXPECT_TRUE(store_.put("j", 3, from_ms(3)));
  EXPECT_EQ(store_.fetch("k", from_ms(0), from_ms(9)), (Windows{row(0, 1), row(3, 2)}));
  EXPECT_EQ(store_.fetch_with_timestamp("j", from_ms(3))->timestamp, from_ms(5));
  EXPECT_TRUE(store_.erase("k", from_ms(0)));
  EXPECT_TRUE(store_.erase("x", from_ms(0)));
  EXPECT_EQ(store_.fetch("k", from_ms(0), from_ms(9)), (Windows{row(3, 2)}));
}

TEST_F(WritableWindows, WhatIsBehindRetentionIsNotStored) {
  store_.put("k", 1, from_ms(30));
  EXPECT_FALSE(store_.put("k", 2, from_ms(0)));
  EXPECT_FALSE(store_.erase("k", from_ms(0)));
  EXPECT_TRUE(store_.put("k", 2, from_ms(1)));
  EXPECT_TRUE(store_.erase("j", from_ms(40))) << "this start counts, too";
  EXPECT_FALSE(store_.put("k", 2, from_ms(1)));
  EXPECT_THROW(store_.put("k", 2, from_ms(-1)), SerdeError);
}

TEST_F(WritableWindows, AnAbortTakesEverythingBack) {
  store_.put("k", 1, from_ms(0));
  cells_->commit({});
  memory_.commit();
  store_.put("k", 2, from_ms(0));
  store_.put("k", 3, from_ms(40));
  cells_->abort();
  memory_.abort();
  EXPECT_EQ(store_.fetch("k", from_ms(0)), 1);
  EXPECT_EQ(store_.all().size(), 1u);
}

}  // namespace
}  // namespace millrace
