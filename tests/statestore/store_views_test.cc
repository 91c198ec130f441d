#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "millrace/key_value_store.h"
#include "millrace/window_store.h"
#include "store_support.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using state::put;

template <class K, class V>
using Rows = std::vector<KeyValue<K, V>>;

class KeyValueViewTest : public testing::Test {
 protected:
  using Store = ReadOnlyKeyValueStore<std::int32_t, std::string>;

  // Keys as Java orders them: by unsigned bytes, so that negative numbers come last.
  KeyValueViewTest() {
    for (const std::int32_t key : {3, 1, -1, 2, 256}) {
      Bytes bytes;
      Serde<std::int32_t>().serialize(key, bytes);
      put<std::string>(*cells_, bytes, "v" + std::to_string(key), key + 100);
    }
  }

  std::unique_ptr<state::KeyValueCells> cells_ = state::key_value_store<std::string>();
  Store store_{*cells_, default_serde<std::int32_t>()};
};

// Point reads find a key's value and time, or nothing.
TEST_F(KeyValueViewTest, PointReads) {
  EXPECT_EQ(store_.get(3), "v3");
  EXPECT_EQ(store_.get(4), std::nullopt);
  ASSERT_NE(store_.find(-1), nullptr);
  EXPECT_EQ(*store_.find(-1), "v-1");
  EXPECT_EQ(store_.find(4), nullptr);
  EXPECT_EQ(store_.get_with_timestamp(256),
            (ValueAndTimestamp<std::string>{"v256", Timestamp(356ms)}));
  EXPECT_EQ(store_.get_with_timestamp(4), std::nullopt);
  EXPECT_EQ(store_.approximate_num_entries(), 5u);
}

// Ranges include both ends and run in byte order, forwards and backwards.
TEST_F(KeyValueViewTest, Ranges) {
  EXPECT_EQ(store_.range(1, 3), (Rows<std::int32_t, std::string>{{1, "v1"}, {2, "v2"}, {3, "v3"}}));
  EXPECT_EQ(store_.reverse_range(2, 256),
            (Rows<std::int32_t, std::string>{{256, "v256"}, {3, "v3"}, {2, "v2"}}));
  EXPECT_EQ(store_.range(3, 1), (Rows<std::int32_t, std::string>{}));
  EXPECT_EQ(store_.range(4, 255), (Rows<std::int32_t, std::string>{}));
  EXPECT_EQ(store_.all(), (Rows<std::int32_t, std::string>{
                              {1, "v1"}, {2, "v2"}, {3, "v3"}, {256, "v256"}, {-1, "v-1"}}));
  EXPECT_EQ(store_.reverse_all().front(), (KeyValue<std::int32_t, std::string>{-1, "v-1"}));
}

// The upper end of a range is that key and no longer one that begins with it.
TEST(KeyValueView, RangeEndsAtItsKey) {
  const auto cells = state::key_value_store<std::int64_t>();
  for (const char* key : {"a", "b", "ba", "c"}) put<std::int64_t>(*cells, key, 1, 1);
  ReadOnlyKeyValueStore<std::string, std::int64_t> store(*cells, default_serde<std::string>());
  EXPECT_EQ(store.range("a", "b"), (Rows<std::string, std::int64_t>{{"a", 1}, {"b", 1}}));
}

// A scan shows the store as of its call: writes while one looks at it do not disturb it.
TEST_F(KeyValueViewTest, ScansOwnWhatTheyShow) {
  const auto all = store_.all();
  for (const auto& [key, value] : all) {
    Bytes bytes;
    Serde<std::int32_t>().serialize(key + 1000, bytes);
    put<std::string>(*cells_, bytes, "new", 1);
  }
  EXPECT_EQ(all.size(), 5u);
  EXPECT_EQ(store_.all().size(), 10u);
}

// What the open transaction deleted is not there.
TEST_F(KeyValueViewTest, DeletedIsGone) {
  cells_->commit({});
  Bytes bytes;
  Serde<std::int32_t>().serialize(2, bytes);
  state::erase<std::string>(*cells_, bytes, 1);
  EXPECT_EQ(store_.get(2), std::nullopt);
  EXPECT_EQ(store_.get_with_timestamp(2), std::nullopt);
  EXPECT_EQ(store_.find(2), nullptr);
  EXPECT_EQ(store_.all().size(), 4u);
}

class WindowViewTest : public testing::Test {
 protected:
  WindowViewTest() {
    for (const std::int64_t start : {0, 10, 20}) {
      put<std::int64_t>(*cells_, "k", start, start + 1, start + 5);
      put<std::int64_t>(*cells_, "a", start, start + 2, start + 6);
    }
  }
  static Window window(std::int64_t start) { return {from_ms(start), from_ms(start + 10)}; }

  state::TaskMemory memory_;
  std::unique_ptr<state::WindowCells> cells_ = state::window_store<std::int64_t>(memory_, 10, 30);
  ReadOnlyWindowStore<std::string, std::int64_t> store_{*cells_, default_serde<std::string>()};
};

// Point reads find a window by its start.
TEST_F(WindowViewTest, PointReads) {
  EXPECT_EQ(store_.fetch("k", Timestamp(10ms)), 11);
  EXPECT_EQ(store_.fetch("k", Timestamp(11ms)), std::nullopt);
  EXPECT_EQ(store_.fetch("x", Timestamp(10ms)), std::nullopt);
  EXPECT_EQ(store_.fetch_with_timestamp("a", Timestamp(20ms)),
            (ValueAndTimestamp<std::int64_t>{22, Timestamp(26ms)}));
  EXPECT_EQ(store_.fetch_with_timestamp("x", Timestamp(20ms)), std::nullopt);
}

// The windows of a key come by start; both bounds are included.
TEST_F(WindowViewTest, WindowsOfAKey) {
  EXPECT_EQ(store_.fetch("k", Timestamp(0ms), Timestamp(10ms)),
            (Rows<Window, std::int64_t>{{window(0), 1}, {window(10), 11}}));
  EXPECT_EQ(store_.fetch("k", Timestamp(1ms), Timestamp(9ms)), (Rows<Window, std::int64_t>{}));
}

// The windows of all keys come by start, then by key.
TEST_F(WindowViewTest, WindowsOfAllKeys) {
  using Key = Windowed<std::string>;
  EXPECT_EQ(store_.fetch_all(Timestamp(10ms), Timestamp(20ms)),
            (Rows<Key, std::int64_t>{{Key{"a", window(10)}, 12},
                                     {Key{"k", window(10)}, 11},
                                     {Key{"a", window(20)}, 22},
                                     {Key{"k", window(20)}, 21}}));
  EXPECT_EQ(store_.all().size(), 6u);
}

// What the store's time has left behind is not shown.
TEST_F(WindowViewTest, ExpiredIsHidden) {
  put<std::int64_t>(*cells_, "z", 40, 1, 40);
  EXPECT_EQ(store_.fetch("k", Timestamp(10ms)), std::nullopt);
  EXPECT_EQ(store_.fetch("k", Timestamp(0ms), Timestamp(100ms)).size(), 1u);
  EXPECT_EQ(store_.all().size(), 3u);
}

// A window that would end behind all time ends with it.
TEST(WindowView, UnlimitedWindow) {
  state::TaskMemory memory;
  const auto cells = state::window_store<std::int64_t>(memory, INT64_MAX, INT64_MAX);
  put<std::int64_t>(*cells, "k", 10, 1, 10);
  ReadOnlyWindowStore<std::string, std::int64_t> store(*cells, default_serde<std::string>());
  EXPECT_EQ(store.all().at(0).key.window, (Window{Timestamp(10ms), Timestamp::max()}));
}

}  // namespace
}  // namespace millrace
