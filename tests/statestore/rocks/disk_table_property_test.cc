// A table holds what was submitted: random histories against a map, with scans of every kind, snapshots,
// re-openings and crashes at any point. After a crash it holds at least the fold up to its own offset:
// the rest of the changelog on top of it gives the same as the whole.
#include <gtest/gtest.h>
#include <rocksdb/options.h>

#include <random>

#include "statestore/rocks/rocks_support.h"

namespace millrace::state {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) { return random() % bound; }

// Few letters and lengths, so that keys meet, with bytes at the ends of their range and none at all.
Bytes random_key(Random& random) {
  static constexpr char kLetters[] = {'\x00', '\x01', 'a', '\x7f', '\x80', '\xff'};
  Bytes key(below(random, 4), '\0');
  for (char& c : key) c = kLetters[below(random, sizeof kLetters)];
  return key;
}

// One commit of the changelog: what can be told again after a crash.
struct Commit {
  std::vector<std::pair<Bytes, std::optional<StoredValue>>> changes;
  std::vector<std::pair<Bytes, Bytes>> drops;
  std::map<std::string, std::optional<Bytes>> facts;
  Offset last;

  CommitBatch batch() const {
    CommitBatch batch;
    for (const auto& [key, value] : changes) {
      if (value) {
        batch.put(key, value->value, from_ms(value->timestamp));
      } else {
        batch.erase(key);
      }
    }
    for (const auto& [from, to] : drops) batch.drop(from, to);
    for (const auto& [name, value] : facts) {
      if (value) {
        batch.set_fact(name, *value);
      } else {
        batch.erase_fact(name);
      }
    }
    batch.covers(last, from_ms(last.value() * 10));
    return batch;
  }

  void apply(Contents& contents) const {
    for (const auto& [key, value] : changes) {
      if (value) {
        contents[key] = *value;
      } else {
        contents.erase(key);
      }
    }
    for (const auto& [from, to] : drops)
      contents.erase(contents.lower_bound(from), contents.lower_bound(to));
  }
};

Commit random_commit(Random& random, Offset last) {
  Commit commit;
  commit.last = last;
  for (std::size_t i = below(random, 12); i > 0; --i) {
    std::optional<StoredValue> value;
    if (below(random, 4) > 0) {
      value = StoredValue{Bytes(below(random, 300), static_cast<char>(random())),
                          static_cast<std::int64_t>(random() >> 20)};
    }
    commit.changes.emplace_back(random_key(random), std::move(value));
  }
  if (below(random, 6) == 0) {
    auto from = random_key(random);
    auto to = random_key(random);
    if (from < to) commit.drops.emplace_back(from, to);
  }
  if (below(random, 3) == 0) {
    auto& fact = commit.facts["segment/" + std::to_string(below(random, 5))];
    if (below(random, 2) == 0) fact = Bytes(below(random, 9), 'f');
  }
  return commit;
}

void expect_equal(DiskTable& table, const Contents& model, Random& random) {
  ASSERT_EQ(contents(table), model);
  for (int i = 0; i < 5; ++i) {
    const OptionalBytes from = below(random, 3) ? OptionalBytes(random_key(random)) : std::nullopt;
    const OptionalBytes to = below(random, 3) ? OptionalBytes(random_key(random)) : std::nullopt;
    std::vector<std::pair<Bytes, StoredValue>> expected;
    for (const auto& entry : model) {
      if ((!from || entry.first >= *from) && (!to || entry.first < *to)) expected.push_back(entry);
    }
    ASSERT_EQ(read_all(table, from, to), expected);
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(read_all(table, from, to, ScanOrder::kBackward), expected);
  }
  std::vector<Bytes> keys;
  for (int i = 0; i < 8; ++i) keys.push_back(random_key(random));
  const std::vector<BytesView> views(keys.begin(), keys.end());
  std::vector<DiskTable::Found> found;
  table.multi_get(views, found);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto expected = model.find(keys[i]);
    Bytes value;
    Timestamp timestamp;
    ASSERT_EQ(table.get(keys[i], value, timestamp), expected != model.end());
    ASSERT_EQ(found[i].there, expected != model.end());
    if (expected == model.end()) continue;
    ASSERT_EQ((StoredValue{value, to_ms(timestamp)}), expected->second);
    ASSERT_EQ((StoredValue{found[i].value, to_ms(found[i].timestamp)}), expected->second);
  }
}

class DiskTableHistory : public testing::TestWithParam<int> {
 protected:
  // Small buffers, so that flushes happen between the commits; half of the lives write sorted files.
  RocksHostOptions options(Random& random) {
    RocksHostOptions options{.directory = directory_.path()};
    options.collect_for = Duration{0};
    options.ingest_from = below(random, 2) ? 200 : std::size_t{1} << 30;
    options.rocksdb = [](std::string_view, rocksdb::ColumnFamilyOptions& family) {
      family.write_buffer_size = 64 << 10;
      family.target_file_size_base = 64 << 10;
    };
    return options;
  }

  TemporaryDirectory directory_;
};

TEST_P(DiskTableHistory, IsTheMapThatItWasToldWhateverHappensInBetween) {
  const auto seed = static_cast<std::uint64_t>(GetParam());
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  std::vector<Commit> changelog;
  Contents model;
  std::map<std::string, Bytes> facts;
  auto host = std::make_unique<OpenHost>(options(random));

  for (int life = 0; life < 6; ++life) {
    DiskTable& table = host->table();
    BatchNumber last;
    for (std::size_t i = 20 + below(random, 60); i > 0; --i) {
      Commit commit = random_commit(random, Offset(static_cast<std::int64_t>(changelog.size())));
      commit.apply(model);
      for (const auto& [name, value] : commit.facts) {
        if (value) {
          facts[name] = *value;
        } else {
          facts.erase(name);
        }
      }
      last = table.submit(commit.batch());
      changelog.push_back(std::move(commit));
      if (below(random, 15) > 0) continue;

      table.hurry();
      host->wait([&] { return table.applied() >= last; });
      expect_equal(table, model, random);
      // A scan shows the table as it was, whatever is applied meanwhile.
      const auto scan = table.scan(std::nullopt, std::nullopt, ScanOrder::kForward);
      Contents seen;
      Commit more = random_commit(random, Offset(static_cast<std::int64_t>(changelog.size())));
      more.facts.clear();
      const Contents before = model;
      more.apply(model);
      host->apply(more.batch());
      changelog.push_back(std::move(more));
      for (; scan->valid(); scan->next()) {
        seen.emplace(scan->key(), StoredValue{Bytes(scan->value()), to_ms(scan->timestamp())});
      }
      ASSERT_EQ(seen, before);
    }

    const bool crash = below(random, 2) == 0;
    if (crash) {
      host->crash();
      host = std::make_unique<OpenHost>(options(random));
    } else if (below(random, 2) == 0) {
      host = nullptr;
      host = std::make_unique<OpenHost>(options(random));
    } else {
      host->close_task();
      host->open({identity("counts")});
    }
    DiskTable& opened = host->table();
    if (!crash) {
      ASSERT_EQ(opened.offset(), Offset(static_cast<std::int64_t>(changelog.size()) - 1));
      ASSERT_EQ(opened.offset_stamped(), from_ms(opened.offset().value() * 10));
      const auto stored = opened.facts("segment/");
      ASSERT_EQ((std::map<std::string, Bytes>(stored.begin(), stored.end())), facts);
      expect_equal(opened, model, random);
    } else {
      // The changelog from there on gives back what was lost.
      for (auto i = static_cast<std::size_t>(opened.offset().value() + 1); i < changelog.size();
           ++i) {
        host->apply(changelog[i].batch());
      }
      expect_equal(opened, model, random);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DiskTableHistory, testing::Range(1, 13));

// What a crash keeps is something: else the property above would hold for a table that forgets.
TEST(DiskTable, KeepsWhatWasWrittenAsFilesAcrossACrash) {
  TemporaryDirectory directory;
  RocksHostOptions options{.directory = directory.path()};
  options.ingest_from = 1;
  {
    OpenHost host(options);
    host.apply(one_put("a", "1", 5, Offset(7)));
    host.crash();
  }
  OpenHost host(options);
  EXPECT_EQ(host.table().offset(), Offset(7));
  EXPECT_EQ(host.table().offset_stamped(), from_ms(5));
  EXPECT_EQ(contents(host.table()), (Contents{{"a", {"1", 5}}}));
}

}  // namespace
}  // namespace millrace::state
