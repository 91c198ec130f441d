// Properties of key-value stores over random histories, against a std::map.
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
#include <utility>
#include <vector>

#include "store_support.h"

namespace millrace::state {
namespace {

enum class What {
  kPut,
  kErase,
  kTouch,
  kScan,
  kPrefetch,
  kMark,
  kKeep,
  kRollBack,
  kEvict,
  kWrite,
  kCommit,
  kAbort,
  kRestart,
  kCrash
};

struct Step {
  What what;
  Bytes key;
  int number;
  std::int64_t timestamp;
};
std::ostream& operator<<(std::ostream& out, const Step& s) {
  static constexpr const char* kNames[] = {"put",    "erase", "touch",     "scan",  "prefetch",
                                           "mark",   "keep",  "roll back", "evict", "write",
                                           "commit", "abort", "restart",   "crash"};
  return out << kNames[static_cast<int>(s.what)] << '(' << to_hex(s.key) << ", " << s.number << '@'
             << s.timestamp << ')';
}

// Few keys, so that histories meet: prefixes of each other, bytes at both ends.
const std::vector<Bytes> kKeys = {
    "",     Bytes(1, '\0'), "a",    Bytes("a\0", 2), "ab",          "b",
    "\x7f", "\x80",         "\xff", "\xff\xff",      Bytes(40, 'l')};

rc::Gen<Step> any_step() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::what, rc::gen::weightedElement<What>({{8, What::kPut},
                                                                {4, What::kErase},
                                                                {1, What::kTouch},
                                                                {1, What::kScan},
                                                                {1, What::kPrefetch},
                                                                {2, What::kMark},
                                                                {1, What::kKeep},
                                                                {2, What::kRollBack},
                                                                {3, What::kEvict},
                                                                {1, What::kWrite},
                                                                {2, What::kCommit},
                                                                {1, What::kAbort},
                                                                {1, What::kRestart},
                                                                {1, What::kCrash}})),
      rc::gen::set(&Step::key, rc::gen::elementOf(kKeys)),
      rc::gen::set(&Step::number, rc::gen::inRange(0, 1000)),
      rc::gen::set(&Step::timestamp, rc::gen::inRange<std::int64_t>(-1, 100)));
}

template <class V>
V value_of(int number);
template <>
std::int64_t value_of(int number) {
  return number;
}
template <>
std::string value_of(int number) {  // some beyond the small-string buffer
  return std::string(static_cast<std::size_t>(number % 40), 'x') + std::to_string(number);
}

// A store, what it must hold, and what it must hold after an abort. With a seed it lies over a disk
// that applies late; what is evicted, restarted and lost there must not show. Without one, eviction
// finds nothing and a restart reads the whole changelog.
template <class V>
struct Pair {
  explicit Pair(std::optional<std::uint64_t> seed = {})
      : disk(seed ? std::make_unique<TestDisk>(*seed) : nullptr), store(make()) {}

  std::unique_ptr<KeyValueCells> make() {
    return key_value_store<V>(default_serde<V>(), disk ? &disk->table() : nullptr);
  }

  // Effect: as a new process: of memory nothing is left.
  void restart(bool crash) {
    store.reset();
    if (disk && crash) disk->crash();
    if (disk && !crash) disk->open();
    store = make();
    RC_ASSERT(changelog.restore(*store).ok());
    now = committed;
  }

  // Both directions of any range.
  void check_range(OptionalBytesView from, OptionalBytesView to) {
    Scanned<V> expected;
    for (const auto& entry : now) {
      if ((!from || entry.first >= *from) && (!to || entry.first < *to)) expected.push_back(entry);
    }
    RC_ASSERT(scanned<V>(*store, from, to, ScanOrder::kForward) == expected);
    std::reverse(expected.begin(), expected.end());
    RC_ASSERT(scanned<V>(*store, from, to, ScanOrder::kBackward) == expected);
  }

  std::unique_ptr<TestDisk> disk;
  std::unique_ptr<KeyValueCells> store;
  Changelog changelog;
  Contents<V> now;
  std::optional<Contents<V>> saved;  // at the savepoint, if one is set
  Contents<V> committed;

  void release() {
    store->release_savepoint();
    saved.reset();
  }
  void roll_back() {
    store->roll_back();
    now = *std::exchange(saved, std::nullopt);
  }

  void run(const Step& step) {
    if (saved && step.what >= What::kEvict && step.what != What::kAbort) release();
    switch (step.what) {
      case What::kPut:
        put<V>(*store, step.key, value_of<V>(step.number), step.timestamp);
        now.insert_or_assign(step.key, Entry<V>{value_of<V>(step.number), step.timestamp});
        break;
      case What::kErase:
        erase<V>(*store, step.key, step.timestamp);
        now.erase(step.key);
        break;
      case What::kTouch:
        store->at(step.key);
        break;
      case What::kScan:
        check_range(std::nullopt, std::nullopt);  // from here on an order is kept
        check_range(BytesView(step.key), std::nullopt);
        check_range(std::nullopt, BytesView(step.key));
        break;
      case What::kPrefetch: {
        const std::vector<BytesView> keys(kKeys.begin(), kKeys.begin() + step.number % 11);
        store->prefetch(keys);
        break;
      }
      case What::kMark:
        if (saved) release();
        store->set_savepoint();
        saved = now;
        break;
      case What::kKeep:
        if (saved) release();
        break;
      case What::kRollBack:
        if (saved) roll_back();
        break;
      case What::kEvict:
        store->evict(static_cast<std::size_t>(step.number));
        break;
      case What::kRestart:
        return restart(false);
      case What::kCrash:
        return restart(true);
      case What::kWrite: {
        Changelog thrown_away;
        store->write_changes(thrown_away);
        break;
      }
      case What::kCommit:
        changelog.commit(*store);
        committed = now;
        break;
      case What::kAbort:
        store->abort();
        saved.reset();
        now = committed;
        break;
    }
    const Cell* cell = store->find(step.key);
    const V* found = value_in<V>(cell);
    const auto expected = now.find(step.key);
    RC_ASSERT((found != nullptr) == (expected != now.end()));
    if (found) {
      RC_ASSERT(*found == expected->second.value);
      RC_ASSERT(to_ms(cell->timestamp) == expected->second.timestamp);
    }
  }
};

template <class V>
Contents<V> fold(const Changelog& changelog) {
  Contents<V> folded;
  Serde<V> serde;
  for (const Changelog::Record& record : changelog.records) {
    folded.erase(record.key);
    if (!record.value) continue;
    V value{};
    serde.deserialize(*record.value, value);
    folded.emplace(record.key, Entry<V>{value, record.timestamp});
  }
  return folded;
}

// Any history leaves the store as the model says: values, times, order. The fold of the changelog
// is the committed state, and a store restored from it holds the same.
template <class V>
void check_history(std::optional<std::uint64_t> seed = {}) {
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step());
  Pair<V> pair(seed);
  for (const Step& step : steps) pair.run(step);
  RC_ASSERT(contents<V>(*pair.store) == pair.now);
  RC_ASSERT(fold<V>(pair.changelog) == pair.committed);

  const auto restored = key_value_store<V>();
  RC_ASSERT(pair.changelog.restore(*restored).ok());
  RC_ASSERT(contents<V>(*restored) == pair.committed);
  RC_ASSERT(restored->size() == pair.committed.size());

  pair.run({What::kAbort, "", 0, 0});
  RC_ASSERT(contents<V>(*pair.store) == pair.committed);
  if (!seed) RC_ASSERT(pair.store->size() == pair.committed.size());
}
RC_GTEST_PROP(KeyValueProperty, HistoriesOfNumbers, ()) { check_history<std::int64_t>(); }
RC_GTEST_PROP(KeyValueProperty, HistoriesOfStrings, ()) { check_history<std::string>(); }
RC_GTEST_PROP(KeyValueProperty, HistoriesOverADisk, (std::uint64_t seed)) {
  check_history<std::string>(seed);
}
RC_GTEST_PROP(KeyValueProperty, HistoriesOfNumbersOverADisk, (std::uint64_t seed)) {
  check_history<std::int64_t>(seed);
}

// An abort after any number of steps, then the same steps again, changes no changelog record.
RC_GTEST_PROP(KeyValueProperty, AbortAfterEveryStep, ()) {
  const auto before = *rc::gen::container<std::vector<Step>>(any_step());
  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::suchThat(any_step(), [](const Step& step) { return step.what < What::kCommit; }));
  const bool over_disk = *rc::gen::arbitrary<bool>();
  const auto run = [&](std::size_t abort_after) {
    Pair<std::string> pair(over_disk ? std::optional<std::uint64_t>(abort_after) : std::nullopt);
    for (const Step& step : before) pair.run(step);
    pair.run({What::kCommit, "", 0, 0});
    for (std::size_t i = 0; i < abort_after; ++i) pair.run(steps[i]);
    pair.run({What::kAbort, "", 0, 0});
    RC_ASSERT(contents<std::string>(*pair.store) == pair.committed);
    if (!over_disk) RC_ASSERT(pair.store->size() == pair.committed.size());
    for (const Step& step : steps) pair.run(step);
    pair.run({What::kCommit, "", 0, 0});
    return pair.changelog.records;
  };
  const auto undisturbed = run(0);
  for (std::size_t n = 1; n <= steps.size(); ++n) RC_ASSERT(run(n) == undisturbed);
}

// Ranges are those of the model, for any bounds.
RC_GTEST_PROP(KeyValueProperty, Ranges, (bool over_disk)) {
  Pair<std::int64_t> pair(over_disk ? std::optional<std::uint64_t>(1) : std::nullopt);
  for (const Step& step : *rc::gen::container<std::vector<Step>>(any_step())) pair.run(step);
  const Bytes from = *rc::gen::elementOf(kKeys);
  const Bytes to = *rc::gen::elementOf(kKeys);
  pair.check_range(BytesView(from), BytesView(to));
}

}  // namespace
}  // namespace millrace::state
