// Properties of window stores over random histories, against a std::map that never forgets.
// rapidcheck prints its seed; RC_PARAMS="seed=..." repeats a run.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store_support.h"

namespace millrace::state {
namespace {

using Value = std::string;

constexpr std::int64_t kSize = 10;
constexpr std::int64_t kRetention = 35;

enum class What {
  kPut,
  kErase,
  kObserve,
  kPrefetch,
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
  std::int64_t start;
  int number;
};
std::ostream& operator<<(std::ostream& out, const Step& s) {
  static constexpr const char* kNames[] = {"put",    "erase", "observe",   "prefetch",
                                           "mark",   "keep",  "roll back", "evict",
                                           "commit", "abort", "restart",   "crash"};
  return out << kNames[static_cast<int>(s.what)] << '(' << to_hex(s.key) << " of " << s.start
             << ", " << s.number << ')';
}

rc::Gen<Step> any_step() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::what, rc::gen::weightedElement<What>({{8, What::kPut},
                                                                {3, What::kErase},
                                                                {1, What::kObserve},
                                                                {1, What::kPrefetch},
                                                                {2, What::kMark},
                                                                {1, What::kKeep},
                                                                {2, What::kRollBack},
                                                                {3, What::kEvict},
                                                                {2, What::kCommit},
                                                                {1, What::kAbort},
                                                                {1, What::kRestart},
                                                                {1, What::kCrash}})),
      rc::gen::set(&Step::key, rc::gen::element<Bytes>("", "a", Bytes("a\0", 2), "b", "\xff")),
      // Most near the beginning, so that time creeps and sometimes leaps.
      rc::gen::set(&Step::start, rc::gen::map(rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 8),
                                                             rc::gen::inRange<std::int64_t>(0, 40)),
                                              [](std::int64_t n) { return n * 5; })),
      rc::gen::set(&Step::number, rc::gen::inRange(0, 100)));
}

struct State {
  WindowContents<Value> entries;
  std::int64_t observed = -1;

  bool readable(std::int64_t start) const { return start >= observed - kRetention + 1; }
  WindowContents<Value> visible() const {
    WindowContents<Value> shown;
    for (const auto& [where, entry] : entries) {
      if (readable(where.first)) shown.emplace(where, entry);
    }
    return shown;
  }
};

// With a seed the store lies over a disk that applies late; what is evicted, restarted and lost
// there must not show. Without one, eviction finds nothing and a restart reads the whole changelog.
struct Pair {
  explicit Pair(std::optional<std::uint64_t> seed = {})
      : disk(seed ? std::make_unique<TestDisk>(*seed) : nullptr),
        memory(std::make_unique<TaskMemory>()),
        store(make(*memory)) {}

  std::unique_ptr<WindowCells> make(TaskMemory& times) {
    return window_store<Value>(times, kSize, kRetention, default_serde<Value>(),
                               disk ? &disk->table() : nullptr);
  }

  // Effect: as a new process that got the task's persisted times: of memory nothing is left.
  void restart(bool crash) {
    store->abort();
    memory->abort();
    store.reset();
    if (disk && crash) disk->crash();
    if (disk && !crash) disk->open();
    auto fresh = std::make_unique<TaskMemory>();
    for (const auto& [name, value] : memory->persisted()) fresh->load(name, value);
    memory = std::move(fresh);
    store = make(*memory);
    RC_ASSERT(changelog.restore(*store, purged).ok());
    now = committed;
  }

  std::unique_ptr<TestDisk> disk;
  std::unique_ptr<TaskMemory> memory;
  std::unique_ptr<WindowCells> store;
  Changelog changelog;
  Offset purged{0};
  State now;
  std::optional<State> saved;  // at the savepoint, if one is set
  State committed;

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
    const std::int64_t time = step.number;
    switch (step.what) {
      case What::kPut:
        RC_ASSERT(store->readable(step.start) == now.readable(step.start));
        if (!now.readable(step.start)) break;
        put<Value>(*store, step.key, step.start, std::to_string(step.number), time);
        now.observed = std::max(now.observed, step.start);
        now.entries.insert_or_assign({step.start, step.key},
                                     Entry<Value>{std::to_string(step.number), time});
        break;
      case What::kErase:
        if (!now.readable(step.start)) break;
        erase<Value>(*store, step.key, step.start, time);
        now.observed = std::max(now.observed, step.start);
        now.entries.erase({step.start, step.key});
        break;
      case What::kObserve:
        store->observe(step.start);
        now.observed = std::max(now.observed, step.start);
        break;
      case What::kPrefetch: {
        const std::vector<BytesView> keys = {step.key, "a", "b"};
        store->prefetch(keys, step.start);
        break;
      }
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
        store->evict(static_cast<std::size_t>(step.number) * 10);
        break;
      case What::kRestart:
        restart(false);
        break;
      case What::kCrash:
        restart(true);
        break;
      case What::kCommit:
        changelog.commit(*store);
        memory->commit();
        // The changelog may begin above what the disk has got: what is missing nobody needs.
        if (const auto below = store->purge_below()) purged = *below;
        committed = now;
        break;
      case What::kAbort:
        store->abort();
        saved.reset();
        memory->abort();
        now = committed;
        break;
    }
    check();
  }

  // What reads show is what the model shows.
  void check() const {
    const WindowContents<Value> visible = now.visible();
    RC_ASSERT(contents<Value>(*store) == visible);
    std::vector<std::pair<std::int64_t, Bytes>> backward;
    store->scan({"a", "b", 10, 30}, ScanOrder::kBackward,
                [&](BytesView key, std::int64_t start, const Cell&) {
                  backward.emplace_back(start, key);
                  return true;
                });
    std::vector<std::pair<std::int64_t, Bytes>> expected;
    for (const auto& [where, entry] : visible) {
      if (where.first >= 10 && where.first <= 30 && where.second >= "a" && where.second < "b") {
        expected.insert(expected.begin(), where);
      }
    }
    RC_ASSERT(backward == expected);
    for (const auto& [where, entry] : now.entries) {
      const Value* found = value_in<Value>(store->find(where.second, where.first));
      RC_ASSERT((found != nullptr) == now.readable(where.first));
    }
    const auto starts = store->starts(0, INT64_MAX);
    const std::set<std::int64_t> held(starts.begin(), starts.end());
    RC_ASSERT(std::is_sorted(starts.begin(), starts.end()) && held.size() == starts.size());
    for (const auto& [where, entry] : visible) RC_ASSERT(held.contains(where.first));
    for (const std::int64_t start : starts) RC_ASSERT(now.readable(start));
  }

  // What the store holds in a new process that got this task's persisted times.
  WindowContents<Value> restored_from(Offset from) const {
    TaskMemory fresh;
    for (const auto& [name, value] : memory->persisted()) fresh.load(name, value);
    const auto store_there = window_store<Value>(fresh, kSize, kRetention);
    RC_ASSERT(changelog.restore(*store_there, from).ok());
    RC_ASSERT(!store_there->has_changes());
    return contents<Value>(*store_there);
  }
};

// Any history leaves the store as the model says; abort brings back values, times and what is
// readable; the changelog restores the committed state, also from where it may be purged to.
void check_history(std::optional<std::uint64_t> seed = {}) {
  Pair pair(seed);
  for (const Step& step : *rc::gen::container<std::vector<Step>>(any_step())) pair.run(step);
  pair.run({What::kAbort, "", 0, 0});
  RC_ASSERT(pair.restored_from(Offset(0)) == pair.committed.visible());
  if (const auto below = pair.store->purge_below()) {
    RC_ASSERT(pair.restored_from(*below) == pair.committed.visible());
  }
}

RC_GTEST_PROP(WindowProperty, Histories, ()) { check_history(); }
RC_GTEST_PROP(WindowProperty, HistoriesOverADisk, (std::uint64_t seed)) { check_history(seed); }

// An abort after any number of steps, then the same steps again, changes no changelog record.
RC_GTEST_PROP(WindowProperty, AbortAfterEveryStep, ()) {
  const auto before = *rc::gen::container<std::vector<Step>>(any_step());
  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::suchThat(any_step(), [](const Step& step) { return step.what < What::kCommit; }));
  const bool over_disk = *rc::gen::arbitrary<bool>();
  const auto run = [&](std::size_t abort_after) {
    Pair pair(over_disk ? std::optional<std::uint64_t>(abort_after) : std::nullopt);
    for (const Step& step : before) pair.run(step);
    pair.run({What::kCommit, "", 0, 0});
    for (std::size_t i = 0; i < abort_after; ++i) pair.run(steps[i]);
    pair.run({What::kAbort, "", 0, 0});
    for (const Step& step : steps) pair.run(step);
    pair.run({What::kCommit, "", 0, 0});
    RC_ASSERT(pair.restored_from(Offset(0)) == pair.committed.visible());
    return pair.changelog.records;
  };
  const auto undisturbed = run(0);
  for (std::size_t n = 1; n <= steps.size(); ++n) RC_ASSERT(run(n) == undisturbed);
}

}  // namespace
}  // namespace millrace::state
