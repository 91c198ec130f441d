// Counts what operator new is asked for: a program of its own, because it replaces it.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "millrace/key_value_store.h"
#include "store_support.h"

namespace {

std::size_t allocations = 0;
std::size_t failing = 0;  // the allocation of this number fails; 0: none

void* allocate(std::size_t size, std::size_t alignment) {
  if (++allocations == failing) throw std::bad_alloc();
  // What aligned_alloc() takes: whole multiples of the alignment.
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, std::max(static_cast<std::size_t>(alignment), sizeof(void*)));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace millrace::state {
namespace {

class NullWriter final : public ChangelogWriter {
 public:
  void write(BytesView, OptionalBytesView, Timestamp) override { ++records; }
  int records = 0;
};

const std::vector<Bytes>& keys() {
  static const std::vector<Bytes> keys = [] {
    std::vector<Bytes> made;
    for (int i = 0; i < 1000; ++i)
      made.push_back("a-key-beyond-the-small-buffer-" + std::to_string(i));
    return made;
  }();
  return keys;
}

// Once warm, counting existing keys, writing the changelog, committing and aborting allocate
// nothing.
TEST(Allocation, KeyValueSteadyState) {
  const auto store = key_value_store<std::int64_t>();
  NullWriter writer;
  const auto round = [&](std::int64_t n) {
    for (const Bytes& key : keys()) put<std::int64_t>(*store, key, n, n);
    store->write_changes(writer);
    if (n % 2 == 0) {
      store->commit({});
    } else {
      store->abort();
    }
  };
  for (std::int64_t n = 0; n < 4; ++n) round(n);
  const std::size_t before = allocations;
  for (std::int64_t n = 4; n < 200; ++n) round(n);
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(writer.records, 200 * 1000);
}

// The same in window stores, while windows are alive.
TEST(Allocation, WindowSteadyState) {
  TaskMemory memory;
  const auto store = window_store<std::int64_t>(memory, 10, 100);
  NullWriter writer;
  const auto round = [&](std::int64_t n) {
    for (const Bytes& key : keys()) {
      for (const std::int64_t start : {0, 5, 10}) put<std::int64_t>(*store, key, start, n, n);
    }
    store->write_changes(writer);
    store->commit({Offset(n * 10), Offset(n * 10 + 5)});
    memory.commit();
  };
  for (std::int64_t n = 0; n < 4; ++n) round(n);
  const std::size_t before = allocations;
  for (std::int64_t n = 4; n < 50; ++n) round(n);
  EXPECT_EQ(allocations - before, 0u);
}

// A new entry is one allocation, its place in the index aside.
TEST(Allocation, OneForACell) {
  const auto store = key_value_store<std::int64_t>();
  for (const Bytes& key : keys()) put<std::int64_t>(*store, key, 1, 1);
  store->commit({});
  std::vector<Bytes> more = keys();
  for (Bytes& key : more) key += "-and-another";
  const std::size_t before = allocations;
  for (const Bytes& key : more) put<std::int64_t>(*store, key, 1, 1);
  EXPECT_LT(allocations - before, 1000u + 1000 / 20);
}

// A point read of the typed view allocates nothing, however long the key.
TEST(Allocation, TypedRead) {
  const auto cells = key_value_store<std::int64_t>();
  for (const Bytes& key : keys()) put<std::int64_t>(*cells, key, 1, 1);
  const ReadOnlyKeyValueStore<std::string, std::int64_t> store(*cells,
                                                               default_serde<std::string>());
  EXPECT_EQ(store.get(keys().back()), 1);
  const std::size_t before = allocations;
  for (const Bytes& key : keys()) EXPECT_EQ(store.get(key), 1);
  EXPECT_EQ(allocations - before, 0u);
}

// --- out of memory -----------------------------------------------------------------------------

// Effect: runs `change` again and again; first its first allocation fails, then its second, and so
// on until none does. After each failure the store is aborted and must be as before.
template <class Store, class Change, class Same>
void fail_each_allocation(Store& store, const Change& change, const Same& same) {
  int failures = 0;
  for (std::size_t n = 1;; ++n) {
    bool failed = false;
    failing = allocations + n;
    try {
      change();
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    failing = 0;
    if (!failed) break;
    ++failures;
    store.abort();
    ASSERT_TRUE(same()) << "after failure " << n;
  }
  EXPECT_GT(failures, 20);
}

// Memory may end anywhere in a transaction: the abort is exact, and the same work succeeds later.
TEST(OutOfMemory, KeyValueStoreIsExact) {
  const auto store = key_value_store<std::string>();
  for (int i = 0; i < 600; ++i) put<std::string>(*store, "k" + std::to_string(i), "old", 1);
  store->commit({});
  const auto before = contents<std::string>(*store);  // and there is an order to keep
  const auto now = [&] { return contents<std::string>(*store); };
  fail_each_allocation(
      *store,
      [&] {
        // Enough to split shards.
        for (int i = 550; i < 1100; ++i) {
          put<std::string>(*store, "k" + std::to_string(i), std::string(50, 'n'), 2);
        }
      },
      [&] { return now() == before && store->size() == before.size(); });
  store->commit({});
  EXPECT_EQ(store->size(), 1100u);
  EXPECT_EQ(now().at("k1099").value, std::string(50, 'n'));
}

// The same over a disk: an entry that cannot be read into memory is not half there, and an abort leaves
// what the disk and the last commits say.
TEST(OutOfMemory, KeyValueStoreOverADiskIsExact) {
  TestDisk disk(1);  // applies late
  const auto store = key_value_store<std::string>(default_serde<std::string>(), &disk.table());
  Changelog changelog;
  Contents<std::string> before;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "k" + std::to_string(i);
    put<std::string>(*store, key, std::string(40, 'o'), 1);
    before.emplace(key, Entry<std::string>{std::string(40, 'o'), 1});
    if (i % 100 == 99) changelog.commit(*store);
  }
  disk.table().hurry();
  while (store->size() > 20) store->evict(1 << 20);  // most are on disk alone
  fail_each_allocation(
      *store,
      [&] {
        for (int i = 0; i < 400; i += 10) {
          const std::string key = "k" + std::to_string(i);
          if (i % 20 == 0) {
            put<std::string>(*store, key, std::string(50, 'n'), 2);
          } else {
            erase<std::string>(*store, key, 2);
          }
        }
        NullWriter nobody;
        store->write_changes(nobody);
      },
      [&] { return contents<std::string>(*store) == before; });
  changelog.commit(*store);
  EXPECT_EQ(contents<std::string>(*store).size(), 300u - 15 + 5);
}

// The same for series: sessions that are merged and taken back.
TEST(OutOfMemory, SessionStoreOverADiskIsExact) {
  TestDisk disk(1);
  TaskMemory memory;
  SeriesCells store({"sessions", StoreKind::kSession, {}, Duration(1'000'000)},
                    value_type<std::string>(), codec_of<std::string>(), &disk.table());
  store.bind(memory);
  Changelog changelog;
  const auto put_session = [&](int key, int end, int start, std::size_t length) {
    change<std::string>(store, store.at("k" + std::to_string(key), end, start),
                        std::string(length, 'v'), end);
  };
  for (int i = 0; i < 40; ++i) {
    put_session(i, 100, 90, 40);
    put_session(i, 200, 190, 40);
  }
  changelog.commit(store);
  memory.commit();
  disk.table().hurry();
  for (int i = 0; i < 20; ++i) store.evict(1 << 20);
  const auto ends = [&] {
    std::vector<std::int64_t> found;
    store.scan({}, ScanOrder::kForward, [&](BytesView, std::int64_t end, const Cell&) {
      found.push_back(end);
      return true;
    });
    return found;
  };
  const auto before = ends();
  EXPECT_EQ(before.size(), 80u);
  fail_each_allocation(
      store,
      [&] {
        memory.abort();
        for (int i = 0; i < 50; i += 5) {
          for (const int end : {100, 200}) {
            Cell* cell = store.find("k" + std::to_string(i), end, end - 10);
            if (cell != nullptr) change<std::string>(store, *cell, std::nullopt, 250);
          }
          put_session(i, 250, 90, 60);
        }
        NullWriter nobody;
        store.write_changes(nobody);
      },
      [&] {
        memory.abort();
        return ends() == before;
      });
  changelog.commit(store);
  EXPECT_EQ(ends().size(), 80u - 16 + 10);
}

TEST(OutOfMemory, WindowStoreIsExact) {
  TaskMemory memory;
  const auto store = window_store<std::string>(memory, 10, 50);
  put<std::string>(*store, "k", 0, "old", 1);
  store->commit({});
  memory.commit();
  const auto before = contents<std::string>(*store);
  fail_each_allocation(
      *store,
      [&] {
        memory.abort();
        for (int start = 0; start < 100; start += 5) {
          put<std::string>(*store, "k", start, std::string(50, 'n'), start);
        }
      },
      [&] {
        memory.abort();
        return contents<std::string>(*store) == before && store->starts(0, 1000).size() == 1;
      });
  store->commit({});
  EXPECT_EQ(store->starts(0, 1000).size(), 10u);
}

}  // namespace
}  // namespace millrace::state
