// An application with three kinds of stores on disk is stopped and started again: it goes on exactly
// where it was, and reads of the changelogs only what its disk does not have.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "streams/e2e/application.h"

namespace millrace::e2e {
namespace {

namespace fs = std::filesystem;

const Topic<Text, Text> kIn("in");
const Topic<Text, Number> kCounts("counts-out");
const Topic<Text, Number> kWindows("windows-out");
const Topic<Text, Text> kSessionsOut("sessions-out");
inline constexpr SessionStoreName<Text, Number> kSessions("sessions");

constexpr Duration kWindow = 100ms;
constexpr Duration kGap = 30ms;

std::string session_text(Timestamp start, Timestamp end, Number n) {
  return std::to_string(to_ms(start)) + '-' + std::to_string(to_ms(end)) + ':' + std::to_string(n);
}

// Sessions by hand: what a record touches is removed and put again as one.
class Sessions final : public Processor<Text, Text, Text, Text> {
 public:
  void init() override { sessions_ = &context().store(kSessions); }
  void process(const Record<Text, Text>& record) override {
    Window merged{record.timestamp, record.timestamp};
    Number count = 1;
    for (const auto& [session, n] :
         sessions_->find_sessions(record.key, record.timestamp - kGap, record.timestamp + kGap)) {
      merged = {std::min(merged.start, session.window.start),
                std::max(merged.end, session.window.end)};
      count += n;
      sessions_->remove(session);
    }
    sessions_->put({record.key, merged}, count);
    context().forward(record.key, session_text(merged.start, merged.end, count));
  }

 private:
  SessionStore<Text, Number>* sessions_ = nullptr;
};

Topology three_stores() {
  StreamsBuilder builder;
  const auto in = builder.stream(kIn);
  const auto grouped = in.group_by_key();
  grouped.count("counts").to_stream().drop_tombstones().to(kCounts);
  grouped.windowed_by(TimeWindows{.size = kWindow, .grace = 0ms})
      .count("windows")
      .to_stream()
      .drop_tombstones()
      .map([](const Windowed<Text>& window, Number n) {
        return KeyValue{window.key + '@' + std::to_string(to_ms(window.window.start)), n};
      })
      .to(kWindows);
  builder.add_state_store(kSessions, 1h);
  in.process(Sessions(), {.stores = {kSessions}}).to(kSessionsOut);
  return builder.build();
}

template <class V>
using ByKey = std::map<Text, std::vector<V>>;

template <class V>
ByKey<V> by_key(EmbeddedLog& log, const Topic<Text, V>& topic) {
  ByKey<V> all;
  for (auto& record : read_all(log, topic)) all[record.key].push_back(std::move(record.value));
  return all;
}

// What must come out, from nothing but what was put in.
struct Expected {
  ByKey<Number> counts;
  ByKey<Number> windows;
  ByKey<Text> sessions;

  void take(const Text& key, Timestamp at) {
    counts[key].push_back(static_cast<Number>(counts[key].size()) + 1);
    const std::int64_t start = to_ms(at) / kWindow.count() * kWindow.count();
    auto& window = windows[key + '@' + std::to_string(start)];
    window.push_back(static_cast<Number>(window.size()) + 1);
    Open& open = open_[key];
    if (open.n == 0 || at - open.end > kGap) open = {at, at, 0};
    open.end = at;
    sessions[key].push_back(session_text(open.start, open.end, ++open.n));
  }

 private:
  struct Open {
    Timestamp start, end;
    Number n = 0;
  };
  std::map<Text, Open> open_;
};

class Restart : public Application {
 protected:
  static constexpr std::int32_t kPartitions = 3;
  static constexpr int kKeys = 11;
  const std::vector<std::string> stores_ = {"counts", "windows", "sessions"};

  // One life of the application: so many records more, all of them processed, closed in order.
  void live(int records) {
    restores_ = std::make_unique<Restores>();
    const auto log = open_log();
    log->create_topic(kIn.name(), kPartitions);
    for (const char* out : {"counts-out", "windows-out", "sessions-out"}) log->create_topic(out, 2);
    Streams app(three_stores(), config(*log));
    app.on_restore(*restores_);
    app.start();
    wait_for(app, Streams::State::kRunning);
    EmbeddedReader sessions(*log, kSessionsOut);
    EmbeddedReader counts(*log, kCounts);
    EmbeddedReader windows(*log, kWindows);
    EmbeddedWriter in(*log, kIn);
    for (int i = 0; i < records; ++i, ++put_) {
      const Text key = "key " + std::to_string(put_ * 7 % kKeys);
      // Pauses now and then: sessions end.
      const Timestamp at(Duration(put_ * 3 + put_ / 40 * 60));
      in.append(key, "", at);
      expected_.take(key, at);
      if (i % 25 == 24 || i + 1 == records) in.commit();
    }
    const auto all = static_cast<std::size_t>(put_);
    await(sessions, all);
    await(counts, all);
    await(windows, all);
    EXPECT_TRUE(app.close(kPatience)) << heard_.all();
    EXPECT_EQ(app.state(), Streams::State::kClosed);
    EXPECT_EQ(by_key(*log, kCounts), expected_.counts);
    EXPECT_EQ(by_key(*log, kWindows), expected_.windows);
    EXPECT_EQ(by_key(*log, kSessionsOut), expected_.sessions);
  }

  int put_ = 0;
  Expected expected_;
  std::unique_ptr<Restores> restores_;  // of the last life
};

TEST_F(Restart, OfAClosedApplicationReadsNothingAndGoesOnExactly) {
  live(600);
  for (int life = 0; life < 3; ++life) {
    live(200);
    for (const std::string& store : stores_) {
      EXPECT_EQ(restores_->of(store).records, 0) << store << " in life " << life;
      // The marker that ends a transaction is an offset, too.
      EXPECT_LE(restores_->of(store).total, kPartitions) << store;
    }
  }
}

// As after a crash, only further back: the disk is what it was a life ago.
TEST_F(Restart, OverAnOlderDiskReadsOnlyTheGap) {
  live(600);
  const fs::path older = scratch() / "older";
  fs::copy(state_directory(), older, fs::copy_options::recursive);
  live(100);
  fs::remove_all(state_directory());
  fs::rename(older, state_directory());
  live(50);
  for (const std::string& store : stores_) {
    EXPECT_GT(restores_->of(store).records, 0) << store;
    // A record changes each store; a session that grows is one record gone and one more.
    EXPECT_LE(restores_->of(store).records, 2 * 100) << store;
  }
}

TEST_F(Restart, WithoutItsDiskReadsTheWholeChangelog) {
  live(600);
  fs::remove_all(state_directory());
  live(50);
  for (const std::string& store : stores_) {
    EXPECT_GE(restores_->of(store).records, kKeys) << store;
    EXPECT_GT(restores_->of(store).ended, 0) << store;
  }
}

}  // namespace
}  // namespace millrace::e2e
