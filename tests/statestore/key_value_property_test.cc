// Properties of key-value stores over random histories, against a std::map.
// rapidcheck prints its seed; RC_PARAMS="seed=..." repeats a run.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "store_support.h"

namespace millrace::state {
namespace {

enum class What { kPut, kErase, kTouch, kScan, kWrite, kCommit, kAbort };

struct Step {
  What what;
  Bytes key;
  int number;
  std::int64_t timestamp;
};
std::ostream& operator<<(std::ostream& out, const Step& s) {
  static constexpr const char* kNames[] = {"put",   "erase",  "touch", "scan",
                                           "write", "commit", "abort"};
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
                                                                {1, What::kWrite},
                                                                {2, What::kCommit},
                                                                {1, What::kAbort}})),
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

// A store, what it must hold, and what it must hold after an abort.
template <class V>
struct Pair {
  std::unique_ptr<KeyValueCells> store = key_value_store<V>();
  Changelog changelog;
  Contents<V> now;
  Contents<V> committed;

  void run(const Step& step) {
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
        RC_ASSERT(contents<V>(*store) == now);  // from here on an order is kept
        break;
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
void check_history() {
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step());
  Pair<V> pair;
  for (const Step& step : steps) pair.run(step);
  RC_ASSERT(contents<V>(*pair.store) == pair.now);
  RC_ASSERT(fold<V>(pair.changelog) == pair.committed);

  const auto restored = key_value_store<V>();
  RC_ASSERT(pair.changelog.restore(*restored).ok());
  RC_ASSERT(contents<V>(*restored) == pair.committed);
  RC_ASSERT(restored->size() == pair.committed.size());

  pair.run({What::kAbort, "", 0, 0});
  RC_ASSERT(contents<V>(*pair.store) == pair.committed);
  RC_ASSERT(pair.store->size() == pair.committed.size());
}
RC_GTEST_PROP(KeyValueProperty, HistoriesOfNumbers, ()) { check_history<std::int64_t>(); }
RC_GTEST_PROP(KeyValueProperty, HistoriesOfStrings, ()) { check_history<std::string>(); }

// An abort after any number of steps, then the same steps again, changes no changelog record.
RC_GTEST_PROP(KeyValueProperty, AbortAfterEveryStep, ()) {
  const auto before = *rc::gen::container<std::vector<Step>>(any_step());
  const auto steps =
      *rc::gen::container<std::vector<Step>>(rc::gen::suchThat(any_step(), [](const Step& step) {
        return step.what != What::kCommit && step.what != What::kAbort;
      }));
  const auto run = [&](std::size_t abort_after) {
    Pair<std::string> pair;
    for (const Step& step : before) pair.run(step);
    pair.run({What::kCommit, "", 0, 0});
    for (std::size_t i = 0; i < abort_after; ++i) pair.run(steps[i]);
    pair.run({What::kAbort, "", 0, 0});
    RC_ASSERT(contents<std::string>(*pair.store) == pair.committed);
    RC_ASSERT(pair.store->size() == pair.committed.size());
    for (const Step& step : steps) pair.run(step);
    pair.run({What::kCommit, "", 0, 0});
    return pair.changelog.records;
  };
  const auto undisturbed = run(0);
  for (std::size_t n = 1; n <= steps.size(); ++n) RC_ASSERT(run(n) == undisturbed);
}

// Ranges are those of the model, for any bounds.
RC_GTEST_PROP(KeyValueProperty, Ranges, ()) {
  Pair<std::int64_t> pair;
  for (const Step& step : *rc::gen::container<std::vector<Step>>(any_step())) pair.run(step);
  const Bytes from = *rc::gen::elementOf(kKeys);
  const Bytes to = *rc::gen::elementOf(kKeys);
  std::vector<Bytes> seen;
  pair.store->scan(from, BytesView(to), [&](const Cell& cell) {
    seen.emplace_back(cell.key());
    return true;
  });
  std::vector<Bytes> expected;
  for (const auto& [key, entry] : pair.now) {
    if (key >= from && key < to) expected.push_back(key);
  }
  RC_ASSERT(seen == expected);
}

}  // namespace
}  // namespace millrace::state
