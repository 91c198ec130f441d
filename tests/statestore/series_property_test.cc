// Properties of stores whose entries have any times (windows, windows with duplicates, sessions) over
// random histories, against a std::map that never forgets; in memory and over a disk that applies late.
// rapidcheck prints its seed; RC_PARAMS="seed=..." repeats a run.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "store_support.h"

namespace millrace::state {
namespace {

using Value = std::string;
enum class Kind { kWindows, kDuplicates, kSessions };

// Segments of 75 s, so that two or three of them live.
constexpr std::int64_t kUnit = 10'000;
constexpr std::int64_t kRetention = 150'000;

enum class What {
  kPut,
  kErase,
  kObserve,
  kMark,
  kKeep,
  kRollBack,
  kEvict,
  kCommit,
  kAbort,
  kRestart,
  kCrash
};

struct Step {
  What what;
  Bytes key;
  std::int64_t time;
  std::int64_t length;  // of a session
  int number;
};
std::ostream& operator<<(std::ostream& out, const Step& s) {
  static constexpr const char* kNames[] = {"put",   "erase",     "observe", "mark",
                                           "keep",  "roll back", "evict",   "commit",
                                           "abort", "restart",   "crash"};
  return out << kNames[static_cast<int>(s.what)] << '(' << to_hex(s.key) << " of " << s.time << '/'
             << s.length << ", " << s.number << ')';
}

// Keys that begin alike, and whose bytes could be taken for times.
const std::vector<Bytes> kKeys = {"",  Bytes(1, '\0'),  Bytes(2, '\0'),
                                  "a", Bytes("a\0", 2), Bytes("a\0\0\0\0\0\0\0\0", 9),
                                  "b", "\xff"};

rc::Gen<Step> any_step() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::what, rc::gen::weightedElement<What>({{10, What::kPut},
                                                                {4, What::kErase},
                                                                {1, What::kObserve},
                                                                {2, What::kMark},
                                                                {1, What::kKeep},
                                                                {2, What::kRollBack},
                                                                {3, What::kEvict},
                                                                {3, What::kCommit},
                                                                {1, What::kAbort},
                                                                {1, What::kRestart},
                                                                {1, What::kCrash}})),
      rc::gen::set(&Step::key, rc::gen::elementOf(kKeys)),
      rc::gen::set(&Step::time, rc::gen::map(rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 12),
                                                            rc::gen::inRange<std::int64_t>(0, 40)),
                                             [](std::int64_t n) { return n * kUnit; })),
      rc::gen::set(&Step::length, rc::gen::inRange<std::int64_t>(0, 3)),
      rc::gen::set(&Step::number, rc::gen::inRange(0, 100)));
}

// An entry's place: key, time, second number.
using Place = std::tuple<Bytes, std::int64_t, std::int64_t>;
using Shown = std::vector<std::pair<Place, Entry<Value>>>;

struct State {
  std::map<Place, Entry<Value>> entries;
  std::int64_t observed = -1;

  bool readable(std::int64_t time) const { return time >= observed - kRetention + 1; }
};

struct Pair {
  Pair(Kind store_kind, std::optional<std::uint64_t> seed)
      : kind(store_kind),
        disk(seed ? std::make_unique<TestDisk>(*seed) : nullptr),
        memory(std::make_unique<TaskMemory>()),
        store(make(*memory, disk ? &disk->table() : nullptr)) {}

  std::unique_ptr<SeriesCells> make(TaskMemory& times, DiskTable* below) const {
    SeriesSpec spec{"series", kind == Kind::kSessions ? StoreKind::kSession : StoreKind::kWindow,
                    Duration(kUnit), Duration(kRetention), kind == Kind::kDuplicates};
    auto made = std::make_unique<SeriesCells>(std::move(spec), value_type<Value>(),
                                              codec_of<Value>(), below);
    made->bind(times);
    return made;
  }

  void release() {
    store->release_savepoint();
    saved.reset();
  }
  void roll_back() {
    store->roll_back();
    memory->roll_back();
    now = *std::exchange(saved, std::nullopt);
  }

  void run(const Step& step) {
    if (saved && step.what >= What::kEvict && step.what != What::kAbort) release();
    const std::int64_t second =
        kind == Kind::kSessions ? std::max<std::int64_t>(step.time - step.length, 0) : 0;
    switch (step.what) {
      case What::kPut:
        if (now.readable(step.time)) put(step, second);
        break;
      case What::kErase:
        if (!now.readable(step.time) || kind == Kind::kDuplicates) break;
        store->observe(step.time);
        now.observed = std::max(now.observed, step.time);
        if (Cell* cell = store->find(step.key, step.time, second)) {
          change<Value>(*store, *cell, std::nullopt, step.number);
        }
        now.entries.erase({step.key, step.time, second});
        break;
      case What::kObserve:
        store->observe(step.time);
        now.observed = std::max(now.observed, step.time);
        break;
      case What::kMark:
        if (saved) release();
        store->set_savepoint();
        memory->set_savepoint();
        saved = now;
        break;
      case What::kKeep:
        if (saved) release();
        break;
      case What::kRollBack:
        if (saved) roll_back();
        break;
      case What::kEvict:
        store->evict(static_cast<std::size_t>(step.number) * 20);
        break;
      case What::kCommit:
        changelog.commit(*store);
        memory->commit();
        if (const auto below = store->purge_below()) purged = *below;
        committed = now;
        break;
      case What::kAbort:
        store->abort();
        saved.reset();
        memory->abort();
        now = committed;
        break;
      case What::kRestart:
      case What::kCrash:
        restart(step.what == What::kCrash);
        break;
    }
    check(step);
  }

  void put(const Step& step, std::int64_t second) {
    Cell* cell = nullptr;
    if (kind == Kind::kDuplicates) {
      second = 1;
      while (now.entries.contains({step.key, step.time, second})) ++second;
      cell = &store->add(step.key, step.time);
    } else {
      cell = &store->at(step.key, step.time, second);
    }
    RC_ASSERT(SeriesCells::time_of(*cell) == step.time);
    RC_ASSERT(SeriesCells::second_of(*cell) == second);
    const Value value(static_cast<std::size_t>(step.number), 'x');
    change<Value>(*store, *cell, value, step.number);
    now.observed = std::max(now.observed, step.time);
    now.entries.insert_or_assign({step.key, step.time, second}, Entry<Value>{value, step.number});
  }

  // Effect: as a new process that got the task's persisted times.
  void restart(bool crash) {
    store->abort();
    memory->abort();
    store.reset();
    if (disk && crash) disk->crash();
    if (disk && !crash) disk->open();
    auto fresh = std::make_unique<TaskMemory>();
    for (const auto& [name, value] : memory->persisted()) fresh->load(name, value);
    memory = std::move(fresh);
    store = make(*memory, disk ? &disk->table() : nullptr);
    RC_ASSERT(changelog.restore(*store, purged).ok());
    now = committed;
  }

  // The model's answer to a read, in the store's order: by segment, key, time, second number.
  template <class Wanted>
  Shown expected(const Wanted& wanted) const {
    const std::int64_t interval = to_ms(store->segment_interval());
    std::map<std::tuple<std::int64_t, Place>, Entry<Value>> sorted;
    for (const auto& [place, entry] : now.entries) {
      const std::int64_t time = std::get<1>(place);
      if (now.readable(time) && wanted(std::get<0>(place), time)) {
        sorted.emplace(std::tuple(time / interval, place), entry);
      }
    }
    Shown shown;
    for (const auto& [place, entry] : sorted) shown.emplace_back(std::get<1>(place), entry);
    return shown;
  }

  template <class Read>
  void expect_both(const Read& read, Shown shown) {
    for (const ScanOrder order : {ScanOrder::kForward, ScanOrder::kBackward}) {
      Shown seen;
      read(order, [&](BytesView key, std::int64_t time, const Cell& cell) {
        RC_ASSERT(SeriesCells::time_of(cell) == time);
        seen.push_back({{Bytes(key), time, SeriesCells::second_of(cell)},
                        {*cell.as<Value>(), to_ms(cell.timestamp)}});
        return true;
      });
      RC_ASSERT(seen == shown);
      std::reverse(shown.begin(), shown.end());
    }
  }

  // What reads show is what the model shows.
  void check(const Step& step) {
    const std::int64_t from = step.time / 2;
    const std::int64_t to = step.time + kUnit;
    expect_both([&](ScanOrder order, const auto& visit) { store->scan({}, order, visit); },
                expected([](const Bytes&, std::int64_t) { return true; }));
    expect_both(
        [&](ScanOrder order, const auto& visit) {
          store->scan({BytesView(kKeys[1]), BytesView(step.key), from, to}, order, visit);
        },
        expected([&](const Bytes& key, std::int64_t time) {
          return key >= kKeys[1] && key < step.key && time >= from && time <= to;
        }));
    if (step.number % 2 == 0) return;  // what follows reads all of these keys into memory
    expect_both(
        [&](ScanOrder order, const auto& visit) { store->fetch(step.key, from, to, order, visit); },
        expected([&](const Bytes& key, std::int64_t time) {
          return key == step.key && time >= from && time <= to;
        }));
    const std::int64_t second = kind == Kind::kSessions
                                    ? std::max<std::int64_t>(step.time - step.length, 0)
                                : kind == Kind::kDuplicates ? 1
                                                            : 0;
    const Value* found = value_in<Value>(store->find(step.key, step.time, second));
    const auto entry = now.entries.find({step.key, step.time, second});
    const bool there = entry != now.entries.end() && now.readable(step.time);
    RC_ASSERT((found != nullptr) == there);
    if (found) RC_ASSERT(*found == entry->second.value);
  }

  const Kind kind;
  std::unique_ptr<TestDisk> disk;
  std::unique_ptr<TaskMemory> memory;
  std::unique_ptr<SeriesCells> store;
  Changelog changelog;
  Offset purged{0};
  State now;
  std::optional<State> saved;  // at the savepoint, if one is set
  State committed;
};

// Any history leaves the store as the model says, in every read and both directions; abort, eviction,
// restart and crash included.
void check_history(Kind kind, std::optional<std::uint64_t> seed) {
  Pair pair(kind, seed);
  for (const Step& step : *rc::gen::container<std::vector<Step>>(any_step())) pair.run(step);
  pair.run({What::kRestart, "a", 0, 0, 1});
}
RC_GTEST_PROP(SeriesProperty, Windows, ()) { check_history(Kind::kWindows, std::nullopt); }
RC_GTEST_PROP(SeriesProperty, WindowsOverADisk, (std::uint64_t seed)) {
  check_history(Kind::kWindows, seed);
}
RC_GTEST_PROP(SeriesProperty, Duplicates, ()) { check_history(Kind::kDuplicates, std::nullopt); }
RC_GTEST_PROP(SeriesProperty, DuplicatesOverADisk, (std::uint64_t seed)) {
  check_history(Kind::kDuplicates, seed);
}
RC_GTEST_PROP(SeriesProperty, Sessions, ()) { check_history(Kind::kSessions, std::nullopt); }
RC_GTEST_PROP(SeriesProperty, SessionsOverADisk, (std::uint64_t seed)) {
  check_history(Kind::kSessions, seed);
}

// An abort after any number of steps, then the same steps again, changes no changelog record: a
// duplicate gets the number that it had.
RC_GTEST_PROP(SeriesProperty, AbortAfterEveryStep, ()) {
  const auto before = *rc::gen::container<std::vector<Step>>(any_step());
  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::suchThat(any_step(), [](const Step& step) { return step.what < What::kCommit; }));
  const Kind kind = *rc::gen::element(Kind::kWindows, Kind::kDuplicates, Kind::kSessions);
  const bool over_disk = *rc::gen::arbitrary<bool>();
  const auto run = [&](std::size_t abort_after) {
    Pair pair(kind, over_disk ? std::optional<std::uint64_t>(abort_after) : std::nullopt);
    for (const Step& step : before) pair.run(step);
    pair.run({What::kCommit, "", 0, 0, 0});
    for (std::size_t i = 0; i < abort_after; ++i) pair.run(steps[i]);
    pair.run({What::kAbort, "", 0, 0, 0});
    for (const Step& step : steps) pair.run(step);
    pair.run({What::kCommit, "", 0, 0, 0});
    return pair.changelog.records;
  };
  const auto undisturbed = run(0);
  for (std::size_t n = 1; n <= steps.size(); n += 3) RC_ASSERT(run(n) == undisturbed);
}

}  // namespace
}  // namespace millrace::state
