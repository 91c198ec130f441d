// Records copied into the arena keep their bytes until they are released, in any order of copies
// and releases.
#include "task/record_arena.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

namespace millrace::task {
namespace {

struct Owned {
  OptionalBytes key;
  OptionalBytes value;
  Headers headers;
  RecordView copied;
};

RecordView view_of(const Owned& owned) {
  RecordView view{};
  if (owned.key) view.key = *owned.key;
  if (owned.value) view.value = *owned.value;
  view.timestamp = from_ms(7);
  view.offset = Offset(3);
  view.headers = &owned.headers;
  return view;
}

void expect_intact(const Owned& owned) {
  EXPECT_EQ(OptionalBytes(owned.copied.key), owned.key);
  EXPECT_EQ(OptionalBytes(owned.copied.value), owned.value);
  EXPECT_EQ(*owned.copied.headers, owned.headers);
  EXPECT_EQ(owned.copied.offset, Offset(3));
}

TEST(RecordArena, ARandomQueueOfRecords) {
  for (const std::uint32_t seed : {1u, 2u, 3u, 4u}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    RecordArena arena;
    std::deque<Owned> model;
    const auto bytes = [&](std::size_t most) -> OptionalBytes {
      if (random() % 8 == 0) return std::nullopt;
      return Bytes(random() % most, static_cast<char>('a' + random() % 26));
    };
    for (int i = 0; i < 3'000; ++i) {
      if (random() % 3 != 0 || model.empty()) {
        Owned owned{bytes(20), bytes(random() % 50 == 0 ? 200'000 : 2'000), {}, {}};
        if (random() % 4 == 0) owned.headers.add("h", std::to_string(i));
        owned.copied = arena.copy(view_of(owned));
        model.push_back(std::move(owned));
        model.back().copied.headers = model.back().copied.headers;
      } else {
        const std::size_t count = random() % (model.size() + 1);
        arena.release_front(count);
        model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
      }
      if (i % 100 == 0) {
        for (const Owned& owned : model) expect_intact(owned);
      }
    }
    arena.release_front(model.size());
    EXPECT_EQ(arena.bytes(), 0u);
  }
}

TEST(RecordArena, EmptyRecordsTakeNoRoomAndAreReleased) {
  RecordArena arena;
  const Owned nothing{};
  for (int i = 0; i < 10; ++i) arena.copy(view_of(nothing));
  Owned large{};
  large.value = Bytes(100'000, 'x');
  large.copied = arena.copy(view_of(large));
  arena.release_front(10);
  expect_intact(large);
  arena.release_front(1);
  EXPECT_EQ(arena.bytes(), 0u);
}

TEST(RecordArena, MemoryStaysFlatWhereRecordsComeAndGo) {
  RecordArena arena;
  Owned owned{};
  owned.value = Bytes(1'000, 'x');
  std::size_t most = 0;
  for (int i = 0; i < 100; ++i) arena.copy(view_of(owned));
  for (int i = 0; i < 10'000; ++i) {
    arena.copy(view_of(owned));
    arena.release_front(1);
    most = std::max(most, arena.bytes());
  }
  EXPECT_LE(most, 4u * 64 * 1024);
  arena.clear();
  EXPECT_EQ(arena.bytes(), 0u);
}

}  // namespace
}  // namespace millrace::task
