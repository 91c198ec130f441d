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

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
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

}  // namespace
}  // namespace millrace::state
