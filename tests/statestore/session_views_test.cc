// The views of a session store, and of a window store whose windows have any times: every read in both
// directions, and what a write changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/error.h"
#include "millrace/session_store.h"
#include "millrace/window_store.h"
#include "store_support.h"

namespace millrace {
namespace {

using Text = std::string;
using testing::HasSubstr;

SessionWindowed<Text> session(Text key, std::int64_t start, std::int64_t end) {
  return {std::move(key), {from_ms(start), from_ms(end)}};
}

class SessionViews : public testing::Test {
 protected:
  using View = SessionStore<Text, Text>;
  using Sessions = View::Sessions;

  SessionViews()
      : cells_(state::SeriesSpec{"visits", state::StoreKind::kSession, {}, Duration(100)},
               state::value_type<Text>(), state::codec_of<Text>()) {
    cells_.bind(memory_);
  }
  // "key start-end=value", in the order of the read.
  static std::vector<Text> texts(const Sessions& sessions) {
    std::vector<Text> found;
    for (const auto& [where, value] : sessions) {
      found.push_back(where.key + ' ' + std::to_string(to_ms(where.window.start)) + '-' +
                      std::to_string(to_ms(where.window.end)) + '=' + value);
    }
    return found;
  }
  void fill() {
    store_.put(session("ann", 10, 20), "a");
    store_.put(session("ann", 30, 30), "b");
    store_.put(session("ann", 25, 50), "c");
    store_.put(session("bob", 15, 40), "d");
    store_.put(session("cid", 60, 70), "e");
  }
  using Texts = std::vector<Text>;

  state::TaskMemory memory_;
  state::SeriesCells cells_;
  Timestamp now_ = from_ms(5);
  View store_{cells_, default_serde<Text>(), now_};
};

TEST_F(SessionViews, OneKey) {
  fill();
  EXPECT_EQ(texts(store_.fetch("ann")), (Texts{"ann 10-20=a", "ann 30-30=b", "ann 25-50=c"}));
  EXPECT_EQ(texts(store_.backward_fetch("ann")),
            (Texts{"ann 25-50=c", "ann 30-30=b", "ann 10-20=a"}));
  EXPECT_EQ(texts(store_.fetch("an")), Texts{});
  EXPECT_EQ(store_.fetch_session("ann", from_ms(25), from_ms(50)), "c");
  EXPECT_EQ(store_.fetch_session("ann", from_ms(25), from_ms(49)), std::nullopt);
}

// end >= earliest end and start <= latest start, both inclusive (SEMANTICS §1.8).
TEST_F(SessionViews, FindSessions) {
  fill();
  EXPECT_EQ(texts(store_.find_sessions("ann", from_ms(20), from_ms(25))),
            (Texts{"ann 10-20=a", "ann 25-50=c"}));
  EXPECT_EQ(texts(store_.backward_find_sessions("ann", from_ms(21), from_ms(30))),
            (Texts{"ann 25-50=c", "ann 30-30=b"}));
  EXPECT_EQ(texts(store_.find_sessions("ann", "bob", from_ms(30), from_ms(25))),
            (Texts{"ann 25-50=c", "bob 15-40=d"}));
  EXPECT_EQ(texts(store_.backward_find_sessions("ann", "bob", from_ms(30), from_ms(25))),
            (Texts{"bob 15-40=d", "ann 25-50=c"}));
  EXPECT_EQ(texts(store_.find_sessions(from_ms(30), from_ms(50))),
            (Texts{"ann 30-30=b", "ann 25-50=c", "bob 15-40=d"}));
  EXPECT_EQ(texts(store_.backward_find_sessions(from_ms(30), from_ms(49))),
            (Texts{"bob 15-40=d", "ann 30-30=b"}));
}

TEST_F(SessionViews, SeveralKeys) {
  fill();
  EXPECT_EQ(texts(store_.fetch("b", "cid")), (Texts{"bob 15-40=d", "cid 60-70=e"}));
  EXPECT_EQ(texts(store_.backward_fetch("b", "cid")), (Texts{"cid 60-70=e", "bob 15-40=d"}));
  EXPECT_EQ(store_.all().size(), 5u);
  EXPECT_EQ(texts(store_.backward_all()).front(), "cid 60-70=e");
}

TEST_F(SessionViews, RemoveAndRetention) {
  fill();
  EXPECT_TRUE(store_.remove(session("ann", 30, 30)));
  EXPECT_TRUE(store_.remove(session("ann", 31, 31)));  // was never there
  EXPECT_EQ(texts(store_.fetch("ann")), (Texts{"ann 10-20=a", "ann 25-50=c"}));
  store_.put(session("zoe", 130, 140), "f");  // sessions that end below 41 go
  EXPECT_EQ(texts(store_.all()), (Texts{"ann 25-50=c", "cid 60-70=e", "zoe 130-140=f"}));
  EXPECT_FALSE(store_.put(session("ann", 0, 40), "late"));
  EXPECT_FALSE(store_.remove(session("bob", 15, 40)));
  EXPECT_EQ(store_.fetch_session("bob", from_ms(15), from_ms(40)), std::nullopt);
}

TEST_F(SessionViews, AbortTakesBackWhatWasMerged) {
  fill();
  state::Changelog changelog;
  changelog.commit(cells_);
  memory_.commit();
  store_.remove(session("ann", 10, 20));
  store_.remove(session("ann", 30, 30));
  store_.put(session("ann", 10, 300), "merged");
  EXPECT_EQ(texts(store_.all()), (Texts{"ann 10-300=merged"}));
  cells_.abort();
  memory_.abort();
  EXPECT_EQ(texts(store_.fetch("ann")), (Texts{"ann 10-20=a", "ann 30-30=b", "ann 25-50=c"}));
}

TEST_F(SessionViews, Refusals) {
  const auto refuses = [&](const SessionWindowed<Text>& where, const char* why) {
    try {
      store_.put(where, "v");
      FAIL() << "nothing was thrown";
    } catch (const SerdeError& error) {
      EXPECT_THAT(error.what(), HasSubstr("visits"));
      EXPECT_THAT(error.what(), HasSubstr(why));
    }
  };
  refuses(session("k", -1, 5), "before 1970");
  refuses(session("k", 6, 5), "after its end");
  EXPECT_FALSE(cells_.has_changes());
}

// A processor's window store takes any starts; the view is that of windows on a grid.
TEST(WindowSeriesView, ReadsInBothDirections) {
  state::TaskMemory memory;
  state::SeriesCells cells(
      {"w", state::StoreKind::kTimestampedWindow, Duration(10), Duration(1'000'000)},
      state::value_type<Text>(), state::codec_of<Text>());
  cells.bind(memory);
  Timestamp now = from_ms(7);
  WindowStore<Text, Text> store(cells, default_serde<Text>(), now);
  store.put("a", "1", from_ms(3));
  store.put("a", "2", from_ms(7));
  store.put("b", "3", from_ms(5));
  store.put("a", "4", from_ms(7));
  EXPECT_EQ(store.fetch("a", from_ms(7)), "4");
  EXPECT_EQ(store.fetch_with_timestamp("b", from_ms(5)),
            (ValueAndTimestamp<Text>{"3", from_ms(7)}));
  using Windows = std::vector<KeyValue<Window, Text>>;
  const auto window = [](std::int64_t start) { return window_from(from_ms(start), Duration(10)); };
  EXPECT_EQ(store.fetch("a", from_ms(3), from_ms(7)),
            (Windows{{window(3), "1"}, {window(7), "4"}}));
  EXPECT_EQ(store.backward_fetch("a", from_ms(0), from_ms(7)),
            (Windows{{window(7), "4"}, {window(3), "1"}}));
  EXPECT_EQ(store.fetch("a", "b", from_ms(4), from_ms(9)).size(), 2u);
  EXPECT_EQ(store.backward_all().front().key.key, "b");
  EXPECT_TRUE(store.erase("a", from_ms(7)));
  EXPECT_EQ(store.fetch_all(from_ms(0), from_ms(100)).size(), 2u);
}

}  // namespace
}  // namespace millrace
